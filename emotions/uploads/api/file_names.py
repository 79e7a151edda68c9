"""Rewrite the file names in multipart bodies, so that Django reads every file.

Django drops a file that is called `..` or has a name that is not UTF-8, and refuses a form with a name of 1,000 bytes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import IO
from urllib.parse import unquote

NAMELESS = "photo"
MAX_CHARACTERS = 255  # as many as the database column takes
MAX_BYTES = 750  # Django accepts 1,024 for all headers of a part
MAX_CONTENT_TYPE = 100
MAX_HEADERS = 64 * 1024  # bytes; enough for a name of 5,000 characters in percent encoding

END_OF_HEADERS = b"\r\n\r\n"
PARAMETER = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^;]*))')


class ReadableFileNames:
    """Read a multipart body, and make its file names readable on the way."""

    def __init__(self, stream: IO[bytes], boundary: str) -> None:
        self._stream = stream
        self._delimiter = b"--" + boundary.encode("latin-1")
        self._pending = b""  # read, but may end within a delimiter or within headers
        self._in_headers = False

    def read(self, size: int = -1) -> bytes:
        """Return some bytes, possibly more than `size`; none at the end."""
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
    """Return a field's headers unchanged. For a file, return the headers that Django reads, with a name it accepts."""
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
    """Return the readable name; None if the part has no file name, and empty if the name is empty."""
    if (encoded := parameters.get("filename*")) and encoded.count("'") >= 2:
        charset, _, text = encoded.split("'", 2)
        name = _unquoted(text, charset)
    elif "filename" in parameters:
        name = parameters["filename"].replace("\\\\", "\\").replace('\\"', "'")
    else:
        return None
    return _usable(name) if name else ""


def _unquoted(text: str, charset: str) -> str:
    """Decode the text as RFC 5987 says, or as UTF-8 if the character set is unknown."""
    try:
        return unquote(text, charset)
    except LookupError:
        return unquote(text)


def _usable(name: str) -> str:
    """Return the last part of a path, shortened, with printable characters only; NAMELESS if nothing is left."""
    last = re.split(r"[/\\]", html.unescape(name).replace('"', "'"))[-1]
    printable = "".join(filter(str.isprintable, last)).strip()[-MAX_CHARACTERS:]
    short = printable.encode(errors="replace")[-MAX_BYTES:].decode(errors="ignore")
    return short if short.strip(".") else NAMELESS
