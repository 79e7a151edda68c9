"""In which order lists come."""

import re
from typing import Any

from django.db.models import Model, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request
from rest_framework.views import APIView

PERIOD = re.compile("^([a-z]+)_(after|before|since)$")


class StrictOrderingFilter(OrderingFilter):
    """`ordering=FIELD` or `-FIELD`, one of the view's `ordering_fields`; anything else is refused.

    A list that is asked for a period comes in the order of that time, latest first, unless another order is asked for:
    in the order of another field the database would read row after row until some are of the period.
    """

    ordering_param = "ordering"
    ordering_description = (
        "One of the fields named here; with - before it from the last to the first. Unless given, the newest first,"
        " and of a period the latest first."
    )

    def get_ordering(self, request: Request, queryset: QuerySet[Model], view: APIView) -> tuple[str, ...]:
        given = request.query_params.get(self.ordering_param)
        if given is None:
            return self._ordering_of_period(request, view) or tuple(self.get_default_ordering(view) or ())
        if given not in self.choices(view):
            raise ValidationError({self.ordering_param: [f"Choose one of {', '.join(self.choices(view))}."]}, "invalid")
        return (given,)

    @staticmethod
    def _ordering_of_period(request: Request, view: Any) -> tuple[str, ...]:
        asked = {f"{period[1]}_at" for name in request.query_params if (period := PERIOD.match(name))}
        return tuple(f"-{field}" for field in view.ordering_fields if field in asked)[:1]

    @staticmethod
    def choices(view: Any) -> list[str]:
        return [f"{sign}{field}" for field in view.ordering_fields for sign in ("", "-")]

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        (parameter,) = super().get_schema_operation_parameters(view)
        return [parameter | {"schema": {"type": "string", "enum": self.choices(view)}}]
