"""Find the end of a multipart form, because nothing else shows that the form is complete."""

from __future__ import annotations

from django.utils.http import parse_header_parameters


class ClosingBoundary:
    """Look for the closing boundary in the pieces of a body. Any other kind of body counts as complete."""

    def __init__(self, content_type: str) -> None:
        kind, parameters = parse_header_parameters(content_type)
        # Django refuses a form without a boundary.
        boundary = parameters.get("boundary") if kind == "multipart/form-data" else None
        self._delimiter = f"--{boundary}--".encode(errors="replace") if boundary else b""
        self._end = b""  # the end of the last piece, where the delimiter may begin
        self.was_seen = not self._delimiter

    def look_at(self, piece: bytes) -> None:
        if self.was_seen:
            return
        seen = self._end + piece
        self.was_seen = self._delimiter in seen
        self._end = seen[-len(self._delimiter) :]
