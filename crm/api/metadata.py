"""Answer OPTIONS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.metadata import BaseMetadata
from rest_framework.request import Request

if TYPE_CHECKING:  # views load this module
    from rest_framework.views import APIView


class AllowedMethods(BaseMetadata):
    """Send no body: the header `Allow` is on every answer, and the OpenAPI schema describes the rest."""

    def determine_metadata(self, request: Request, view: APIView) -> None:
        return None
