"""Cut lists into pages that cost the same however far a client has read."""

from typing import Any, TypeVar

from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Model, QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination as BaseCursorPagination
from rest_framework.request import Request
from rest_framework.views import APIView

Row = TypeVar("Row", bound=Model)
# The address of the next or previous page; null at the end.
LINK = {"type": ["string", "null"], "format": "uri"}
EXAMPLE = "https://rapport.example.com/api/v1/customers?cursor="


class CursorPagination(BaseCursorPagination):
    """Page by `cursor` and `page_size`, in the view's order; rows that are equal in it are ordered by their number."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"
    page_size_query_description = f"How many a page, {page_size} unless given."
    # How many rows may share a position, such as customers of one name. With more, a page would repeat.
    offset_cutoff = 1_000_000
    ordering = "-pk"
    invalid_cursor_message = "This cursor is not one of ours. Follow `next` and `previous` as they are."

    def get_ordering(self, request: Request, queryset: QuerySet[Row], view: APIView) -> tuple[str, ...]:
        ordering = super().get_ordering(request, queryset, view)
        descending = ordering[0].startswith("-")
        return (ordering[0], "-pk" if descending else "pk") if ordering[0].lstrip("-") != "pk" else ordering[:1]

    def get_page_size(self, request: Request) -> int:
        wanted = request.query_params.get(self.page_size_query_param)
        if wanted is None:
            return self.page_size
        if not (wanted.isascii() and wanted.isdigit() and 1 <= int(wanted[:6]) <= self.max_page_size):
            message = f"Give a number from 1 to {self.max_page_size}."
            raise ValidationError({self.page_size_query_param: [message]}, "invalid")
        return int(wanted)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        try:
            return list(super().paginate_queryset(queryset, request, view) or [])
        # ValueError, TypeError and DjangoValidationError mean that the cursor was made up, or is of another order.
        except (NotFound, ValueError, TypeError, DjangoValidationError) as error:
            raise NotFound(self.invalid_cursor_message, "invalid_cursor") from error

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor, page_size = super().get_schema_operation_parameters(view)
        page_size["schema"] |= {"minimum": 1, "maximum": self.max_page_size, "default": self.page_size}
        return [cursor, page_size]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe a page in the words of OpenAPI 3.1, which has no `nullable`."""
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": LINK | {"example": f"{EXAMPLE}cD0zMDEx", "description": "Null on the last page."},
                "previous": LINK
                | {"example": f"{EXAMPLE}cj0xJnA9MzA2MA%3D%3D", "description": "Null on the first page."},
                "results": schema,
            },
        }
