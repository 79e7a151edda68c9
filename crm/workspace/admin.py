"""Provide the base of every admin page."""

from typing import Any, ClassVar

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db import DataError
from django.db.models import QuerySet
from django.forms import Field
from django.http import HttpRequest
from rest_framework.filters import search_smart_split

from crm.text.search import matching
from crm.workspace.deletions import CountsWhatItDeletes
from crm.workspace.locks import LocksWhatItChanges
from crm.workspace.theme import ModelAdmin

# The filters beside a list append these to the name of their field.
LOOKUPS_OF_FILTERS = ("", "__exact", "__id__exact", "__isnull", "__gte", "__lt")


class WorkspaceAdmin(CountsWhatItDeletes, LocksWhatItChanges, ModelAdmin):  # type: ignore[type-arg]
    """Lock rows that a form changes, count rows that a deletion takes along, and filter a list only by its own filters.

    Django would accept any look-up of any field from the address. Then `?secret__regex=` would reveal a secret letter
    by letter, and a slow expression would keep a web process busy.
    """

    extra_lookups: ClassVar[tuple[str, ...]] = ()  # look-ups in the links of other pages

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        if request is None or "\0" in value:  # PostgreSQL refuses to compare with a NUL character
            return False
        filters: Any = self.get_list_filter(request)
        fields = [each if isinstance(each, str) else each[0] for each in filters]
        return lookup in self.extra_lookups or lookup in (f + end for f in fields for end in LOOKUPS_OF_FILTERS)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Treat a number or time that no column can hold like any other wrong filter in the address."""
        try:
            return super().get_changelist_instance(request)
        except (OverflowError, DataError) as error:
            raise IncorrectLookupParameters from error

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return the form's initial values from the address, without any that the form would refuse."""
        values = super().get_changeform_initial_data(request)
        fields = self.get_form(request, change=False).base_fields if values else {}
        return {name: value for name, value in values.items() if name in fields and _is_accepted(fields[name], value)}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that `matching` finds, as in every other search. No row is found twice."""
        if "\0" in search_term:  # no text contains a NUL character, and PostgreSQL refuses to compare with it
            return queryset.none(), False
        words = search_smart_split(search_term)  # type: ignore[arg-type]  # it accepts a string
        return matching(queryset, words, self.get_search_fields(request)), False


def _is_accepted(field: Field, value: Any) -> bool:
    try:
        field.clean(value)
    except (ValidationError, OverflowError):  # SQLite cannot hold such a number
        return False
    return True
