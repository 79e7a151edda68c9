"""Define filters that several lists use."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.db.models import QuerySet
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import extend_schema_field
from rest_framework.filters import SearchFilter
from rest_framework.request import Request
from rest_framework.views import APIView

from crm.api.fields import NO_ZONE, standard_time
from crm.text.search import matching


class UtcField(IsoDateTimeField):
    def to_python(self, value: Any) -> datetime | None:
        try:
            text = standard_time(str(value or ""))
        except ValueError as error:
            sentence = str(error).replace("%", "%%")  # django-filter looks for format specifiers in it
            raise forms.ValidationError(sentence, "invalid") from error
        parsed = super().to_python(text)
        if parsed is None:
            return None
        if datetime.fromisoformat(text).tzinfo is None:
            raise forms.ValidationError(NO_ZONE, "naive")
        return _in_utc(parsed)


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)  # PostgreSQL knows no offset beyond 16 hours
    except OverflowError as error:
        raise forms.ValidationError("This time is out of range.", "out_of_range") from error


class TimeFilter(django_filters.Filter):
    """A time in ISO 8601 with a zone."""

    field_class = UtcField


class IdentifierFilter(django_filters.CharFilter):
    """An ID that another system gave, compared exactly."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, strip=False, **kwargs)


@extend_schema_field(bool)
class FlagFilter(django_filters.TypedChoiceFilter):
    """`true` or `false`, and nothing else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(*args, choices=choices, coerce=lambda value: value == "true", empty_value=None, **kwargs)


class OfCustomer(django_filters.FilterSet):
    """Filter rows by their customer, by ID or by the ID that another system gave."""

    customer_path = "customer"  # from the row to its customer
    customer = django_filters.UUIDFilter("uuid", method="by_customer_id", help_text="The customer's ID.")
    customer_source = IdentifierFilter("source", method="by_customer")
    customer_external_id = IdentifierFilter("external_id", method="by_customer")

    def by_customer_id(self, rows: QuerySet[Any], name: str, value: UUID) -> QuerySet[Any]:
        return rows.filter(**{f"{self.customer_path}__{name}": value})

    def by_customer(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(**{f"{self.customer_path}__{name}": value})


class StrictSearchFilter(SearchFilter):
    """Filter by `search=WORDS`: every word must be in one of the view's `search_fields`, if it has any."""

    search_description = (
        "Words, each of which must be in one of the searched fields. Case and accents do not matter, nor how a phone"
        " number is written."
    )

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        return matching(queryset, self.get_search_terms(request), self.get_search_fields(view, request) or ())

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        if not getattr(view, "search_fields", None):
            return []
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        return parameters
