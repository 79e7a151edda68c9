"""Filters that several lists use."""

from datetime import UTC, datetime
from typing import Any

import django_filters
from django import forms
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import extend_schema_field
from rest_framework.filters import SearchFilter


class UtcField(IsoDateTimeField):
    def to_python(self, value: Any) -> datetime | None:
        parsed = super().to_python(value)
        if parsed is None or value is None:
            return None
        if datetime.fromisoformat(str(value).strip()).tzinfo is None:
            raise forms.ValidationError("Give the time with its zone, such as 2026-11-23T14:25:00Z.", "naive")
        try:
            return parsed.astimezone(UTC)  # PostgreSQL knows no zones beyond 16 hours
        except OverflowError as error:
            raise forms.ValidationError("This time is out of range.", "out_of_range") from error


class TimeFilter(django_filters.Filter):
    """ISO 8601 with a zone."""

    field_class = UtcField


@extend_schema_field(bool)
class FlagFilter(django_filters.TypedChoiceFilter):
    """`true` or `false`, and nothing else."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(*args, choices=choices, coerce=lambda value: value == "true", **kwargs)


class StrictSearchFilter(SearchFilter):
    """`search=WORDS`: rows with every word in one of the view's `search_fields`; offered only where there are any."""

    search_description = "Words, each of which must be in one of the fields that are searched."

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        if not getattr(view, "search_fields", None):
            return []
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        return parameters
