"""Imitate a disk that has room for a few files only."""

from __future__ import annotations

import errno
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage


class FullDisk(FileSystemStorage):
    """A storage with room for a few files. It stores part of the next one, as a real disk does, and then it is full."""

    def __init__(self, room_for: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self._room = room_for

    def _save(self, name: str, content: File[bytes]) -> str:
        if self._room > 0:
            self._room -= 1
            return str(super()._save(name, content))  # type: ignore[misc]
        super()._save(name, ContentFile(content.read(1000)))  # type: ignore[misc]
        raise OSError(errno.ENOSPC, "No space left on device")
