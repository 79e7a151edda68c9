"""Read the bodies of requests."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.parsers import JSONParser


class MarkedJSONParser(JSONParser):
    """JSON in UTF-8, with or without a byte order mark (RFC 8259, 8.1, lets readers ignore one)."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        context = dict(parser_context or {})
        if context.get("encoding", "utf-8").lower() in ("utf-8", "utf8"):
            context["encoding"] = "utf-8-sig"
        return super().parse(stream, media_type, context)
