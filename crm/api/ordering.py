"""In which order lists come."""

from typing import Any

from django.db.models import Model, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request
from rest_framework.views import APIView


class StrictOrderingFilter(OrderingFilter):
    """`ordering=FIELD` or `-FIELD`, one of the view's `ordering_fields`; anything else is refused."""

    ordering_param = "ordering"
    ordering_description = "One of the fields named here; with - before it from the last to the first."

    def get_ordering(self, request: Request, queryset: QuerySet[Model], view: APIView) -> tuple[str, ...]:
        given = request.query_params.get(self.ordering_param)
        if given is None:
            return tuple(self.get_default_ordering(view) or ())
        if given not in self.choices(view):
            raise ValidationError({self.ordering_param: [f"Choose one of {', '.join(self.choices(view))}."]}, "invalid")
        return (given,)

    @staticmethod
    def choices(view: Any) -> list[str]:
        return [f"{sign}{field}" for field in view.ordering_fields for sign in ("", "-")]

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        (parameter,) = super().get_schema_operation_parameters(view)
        return [parameter | {"schema": {"type": "string", "enum": self.choices(view)}}]
