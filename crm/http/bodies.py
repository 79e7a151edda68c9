"""Give the application whole request bodies, or refuse a body and say why.

Without this, Django would treat a chunked body as empty, and a truncated form as a short one. A client that sends a
byte a minute would hold a thread. A refusal that leaves a body unread would break a connection that should stay open.
"""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Timer
from typing import Any, NamedTuple

from django.http import UnreadablePostError

from crm.api.problems import API_PATH, MEDIA_TYPE, problem
from crm.http.multipart import ClosingBoundary

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

# A chunked body does not say its size, so it must be read before it can be refused.
MAX_CHUNKED_BYTES = 5 * 1024 * 1024
# Up to this much is read from a refused body, so that the connection can be used again.
MAX_DRAINED_BYTES = 1024 * 1024
MIN_SECONDS = 30.0  # any body may take this long
MIN_SPEED = 50_000  # bytes a second; larger bodies get this much more time
CHUNK = 64 * 1024


class Refusal(NamedTuple):
    status: int
    reason: str
    code: str
    detail: str


ENCODED = Refusal(
    415, "Unsupported Media Type", "encoding_unsupported", "Send the body as it is, without Content-Encoding."
)
TOO_LARGE_TO_BE_CHUNKED = Refusal(
    411, "Length Required", "length_required", f"Send more than {MAX_CHUNKED_BYTES} bytes with a Content-Length."
)
BROKEN_OFF = Refusal(400, "Bad Request", "body_incomplete", "The request broke off. Send it again.")


class WholeBodies:
    """Read or refuse each body before the application answers. This is WSGI middleware."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        body = Body(environ, MAX_CHUNKED_BYTES + 1 if chunked else _length(environ))
        start = _finishing(body, start_response)
        if environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower() not in ("", "identity"):
            return _refuse(ENCODED, environ, start)
        if chunked:
            try:
                content = body.read_to_its_end()
            except OSError:
                return _refuse(BROKEN_OFF, environ, start)
            if len(content) > MAX_CHUNKED_BYTES:
                return _refuse(TOO_LARGE_TO_BE_CHUNKED, environ, start)
            environ |= {"CONTENT_LENGTH": str(len(content)), "wsgi.input": io.BytesIO(content)}
        else:
            environ["wsgi.input"] = body
        return self._application(environ, start)


class Body:
    """The body of one request, `length` bytes long.

    Reading raises UnreadablePostError when it breaks off, and at the end of a form that lacks its closing boundary.
    """

    def __init__(self, environ: Environ, length: int) -> None:
        self._input = environ["wsgi.input"]
        self._closing = ClosingBoundary(environ.get("CONTENT_TYPE", ""))
        self._socket: socket.socket | None = environ.get("gunicorn.socket")
        self._deadline: Timer | None = None
        self.remaining = length

    def read(self, size: int = -1) -> bytes:
        wanted = self.remaining if size < 0 else min(size, self.remaining)
        if not wanted:
            return b""
        self._start_deadline()
        data = self._read(wanted)
        if len(data) < wanted:  # the server stops short only where the body ends
            raise self._broken_off()
        self.remaining -= len(data)
        self._closing.look_at(data)
        if not self.remaining:
            self._end()
        return data

    def _end(self) -> None:
        self.stop_deadline()
        if not self._closing.was_seen:
            raise self._broken_off()

    def readline(self, size: int = -1) -> bytes:
        """Read one line. WSGI demands this method; Django does not use it."""
        line = bytearray()
        while (not line.endswith(b"\n")) and (size < 0 or len(line) < size) and (byte := self.read(1)):
            line += byte
        return bytes(line)

    def read_to_its_end(self) -> bytes:
        """Return a chunked body, or its beginning if it is too large. Raises UnreadablePostError."""
        self._start_deadline()
        content = bytearray()
        while self.remaining and (piece := self._read(min(CHUNK, self.remaining))):
            content += piece
            self.remaining -= len(piece)
            self._closing.look_at(piece)
        self.stop_deadline()
        if len(content) > MAX_CHUNKED_BYTES:
            self.remaining = MAX_DRAINED_BYTES + 1  # nobody knows how much is left
        elif content and not self._closing.was_seen:
            raise self._broken_off()
        else:
            self.remaining = 0
        return bytes(content)

    def drain(self) -> None:
        """Read and discard what is left of a short body."""
        until = time.monotonic() + 2
        with suppress(OSError):
            while 0 < self.remaining <= MAX_DRAINED_BYTES and time.monotonic() < until:
                self.read(CHUNK)
        self.stop_deadline()

    def stop_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _read(self, size: int) -> bytes:
        try:
            data: bytes = self._input.read(size)
        # gunicorn and the socket raise different errors for malformed chunks and broken connections.
        except Exception as error:
            raise self._broken_off() from error
        return data

    def _broken_off(self) -> UnreadablePostError:
        self.stop_deadline()
        self.remaining = 0
        return UnreadablePostError("The request broke off.")

    def _start_deadline(self) -> None:
        """Stop reading after the time that the slowest acceptable network needs."""
        if self._socket is not None and self._deadline is None:
            self._deadline = Timer(MIN_SECONDS + self.remaining / MIN_SPEED, _stop_reading, [self._socket])
            self._deadline.daemon = True
            self._deadline.start()


def _stop_reading(connection: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        connection.shutdown(socket.SHUT_RD)


def _length(environ: Environ) -> int:
    try:
        return max(int(environ.get("CONTENT_LENGTH") or 0), 0)
    except ValueError:
        return 0


def _finishing(body: Body, start_response: StartResponse) -> StartResponse:
    """Read the rest of the body before the answer begins, or have the answer close the connection."""

    def start(*arguments: Any) -> Any:
        body.drain()
        # This is gunicorn's Response. It refuses a Connection header, but can be told to close the connection.
        server: Any = getattr(start_response, "__self__", None)
        if body.remaining and hasattr(server, "force_close"):
            server.force_close()
        return start_response(*arguments)

    return start


def _refuse(refusal: Refusal, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    of_api = str(environ.get("PATH_INFO", "")).startswith(API_PATH)
    text = json.dumps(problem(refusal.status, refusal.code, refusal.detail)) if of_api else refusal.detail
    content = text.encode()
    content_type = MEDIA_TYPE if of_api else "text/plain; charset=utf-8"
    headers = [("Content-Type", content_type), ("Content-Length", str(len(content))), ("Cache-Control", "no-store")]
    start_response(f"{refusal.status} {refusal.reason}", headers)
    return [content]
