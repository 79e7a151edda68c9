"""Order lists."""

import re
from typing import Any

from django.db.models import Model, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request
from rest_framework.views import APIView

PERIOD = re.compile("^([a-z]+)_(after|before|since)$")


class StrictOrderingFilter(OrderingFilter):
    """Order by `ordering=FIELD` or `-FIELD`, one of the view's `ordering_fields`; refuse anything else.

    A list that is filtered by a period is ordered by that time, latest first, unless the client asks for another
    order. By default it would be ordered by another field, and the database would read row after row until some are
    of the period.
    """

    ordering_param = "ordering"
    ordering_description = (
        "One of these fields; with - before it, from the last to the first. By default the newest come first, and"
        " within a period the latest."
    )

    def get_ordering(self, request: Request, queryset: QuerySet[Model], view: APIView) -> tuple[str, ...]:
        wanted = request.query_params.get(self.ordering_param)
        if wanted is None:
            return self._ordering_of_period(request, view) or tuple(self.get_default_ordering(view) or ())
        if wanted not in self.choices(view):
            raise ValidationError({self.ordering_param: [f"Choose one of {', '.join(self.choices(view))}."]}, "invalid")
        return (wanted,)

    @staticmethod
    def _ordering_of_period(request: Request, view: Any) -> tuple[str, ...]:
        times = {f"{period[1]}_at" for name in request.query_params if (period := PERIOD.match(name))}
        return tuple(f"-{field}" for field in view.ordering_fields if field in times)[:1]

    @staticmethod
    def choices(view: Any) -> list[str]:
        return [f"{sign}{field}" for field in view.ordering_fields for sign in ("", "-")]

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        (parameter,) = super().get_schema_operation_parameters(view)
        return [parameter | {"schema": {"type": "string", "enum": self.choices(view)}}]
