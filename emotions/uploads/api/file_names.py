"""File names of multipart bodies, made such that Django reads every one.

Django drops a part whose file is called `..` or whose name is not UTF-8, and refuses a form with a name of 1,000 bytes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import IO
from urllib.parse import unquote

NAMELESS = "photo"
MAX_CHARACTERS = 255  # as in the database
MAX_BYTES = 750  # Django takes 1,024 for all of a part's headers
MAX_CONTENT_TYPE = 100
MAX_HEADERS = 64 * 1024  # with a name of 5,000 characters, three of which stand for each byte

END_OF_HEADERS = b"\r\n\r\n"
PARAMETER = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^;]*))')


class ReadableFileNames:
    """A multipart body that is read through, with readable file names in it."""

    def __init__(self, stream: IO[bytes], boundary: str) -> None:
        self._stream = stream
        self._delimiter = b"--" + boundary.encode("latin-1")
        self._pending = b""  # was read, and may hold part of a delimiter or of headers
        self._in_headers = False

    def read(self, size: int = -1) -> bytes:
        """Some bytes, which may be more than `size`; none at the end."""
        while True:
            data = self._stream.read(size)
            self._pending += data
            ready = b"".join(self._ready(at_end=not data))
            if ready or not data:
                return ready

    def _ready(self, at_end: bool) -> Iterator[bytes]:
        while True:
            if self._in_headers:
                end = self._pending.find(END_OF_HEADERS)
                if end < 0 and not at_end and len(self._pending) <= MAX_HEADERS:
                    return
                yield readable_headers(self._take(end)) if end >= 0 else self._take(len(self._pending))
                self._in_headers = False
            start = self._pending.find(self._delimiter)
            if start < 0:
                yield self._take(len(self._pending) - (0 if at_end else len(self._delimiter) - 1))
                return
            yield self._take(start + len(self._delimiter))
            self._in_headers = True

    def _take(self, length: int) -> bytes:
        taken, self._pending = self._pending[: max(length, 0)], self._pending[max(length, 0) :]
        return taken


def readable_headers(headers: bytes) -> bytes:
    """Those of a field as they are; of a file's, what Django reads of them, with a name that it takes."""
    lines = {name.strip().lower(): value.strip() for name, _, value in map(_parted, headers.split(b"\r\n"))}
    disposition = lines.get("content-disposition", "")
    parameters = {name.lower(): quoted or bare for name, quoted, bare in PARAMETER.findall(disposition)}
    content_type = lines.get("content-type", "")[:MAX_CONTENT_TYPE]
    name = _file_name(parameters)
    if name is None and content_type.startswith("image/"):
        name = NAMELESS
    if not name:
        return headers
    kept = {
        "Content-Disposition": f'form-data; name="{parameters.get("name", "")}"; filename="{name}"',
        "Content-Type": content_type,
        "Content-Transfer-Encoding": lines.get("content-transfer-encoding", ""),
    }
    return b"".join(f"\r\n{header}: {value}".encode() for header, value in kept.items() if value)


def _parted(line: bytes) -> tuple[str, str, str]:
    try:
        return line.decode().partition(":")
    except UnicodeDecodeError:
        return line.decode("latin-1").partition(":")


def _file_name(parameters: Mapping[str, str]) -> str | None:
    """None where there is none, empty where it is."""
    if (encoded := parameters.get("filename*")) and encoded.count("'") >= 2:
        charset, _, text = encoded.split("'", 2)
        name = _unquoted(text, charset)
    elif "filename" in parameters:
        name = parameters["filename"].replace("\\\\", "\\").replace('\\"', "'")
    else:
        return None
    return _usable(name) if name else ""


def _unquoted(text: str, charset: str) -> str:
    """As RFC 5987 has it; by UTF-8 where the character set is unknown."""
    try:
        return unquote(text, charset)
    except LookupError:
        return unquote(text)


def _usable(name: str) -> str:
    """The last part of a path, without what cannot be printed, and short; NAMELESS where nothing is left."""
    last = re.split(r"[/\\]", html.unescape(name).replace('"', "'"))[-1]
    printable = "".join(filter(str.isprintable, last)).strip()[-MAX_CHARACTERS:]
    short = printable.encode(errors="replace")[-MAX_BYTES:].decode(errors="ignore")
    return short if short.strip(".") else NAMELESS
