"""Two people at the same row's pages at once."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest

from crm.workspace.theme import PagesMixin


class LocksWhatItChanges(PagesMixin):  # type: ignore[type-arg]
    """Before an admin page of rows: nobody can delete what a form is saving, nor save what is being deleted.

    Django would look for the row, find it gone when it saves, and write the deleted one anew.
    """

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field or None)  # "?_to_field=" names no field
        changes = request.method == "POST" and transaction.get_connection().in_atomic_block
        if found is None or not changes:
            return found
        return self.get_queryset(request).select_for_update(of=("self",)).filter(pk=found.pk).first()
