"""Keep two people from changing and deleting the same row at once."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest

from crm.workspace.theme import PagesMixin


class LocksWhatItChanges(PagesMixin):  # type: ignore[type-arg]
    """Make an admin page lock its row: nobody can delete a row that is being saved, or save one that is being deleted.

    Django would read the row, find it gone when it saves, and insert the deleted row again.
    """

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field or None)  # an empty "?_to_field=" means no field
        changes = request.method == "POST" and transaction.get_connection().in_atomic_block
        if found is None or not changes:
            return found
        return self.get_queryset(request).select_for_update(of=("self",)).filter(pk=found.pk).first()
