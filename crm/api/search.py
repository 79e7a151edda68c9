"""Search in lists."""

from typing import Any

from rest_framework.filters import SearchFilter


class StrictSearchFilter(SearchFilter):
    """`search=WORDS`: rows with every word in one of the view's `search_fields`; offered only where there are any."""

    search_description = "Words, each of which must be in one of the fields that are searched."

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        if not getattr(view, "search_fields", None):
            return []
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        return parameters
