"""The end of a multipart form, which alone says that the form came whole."""

from __future__ import annotations

from django.utils.http import parse_header_parameters


class ClosingBoundary:
    """Watches a body go by. A body that is no multipart form counts as closed."""

    def __init__(self, content_type: str) -> None:
        kind, parameters = parse_header_parameters(content_type)
        boundary = parameters.get("boundary") if kind == "multipart/form-data" else None  # without one, Django says so
        self._delimiter = f"--{boundary}--".encode(errors="replace") if boundary else b""
        self._end = b""  # of what went by, in which the delimiter may have begun
        self.was_seen = not self._delimiter

    def look_at(self, piece: bytes) -> None:
        if self.was_seen:
            return
        seen = self._end + piece
        self.was_seen = self._delimiter in seen
        self._end = seen[-len(self._delimiter) :]
