"""Write Django's log of what staff did in the admin. It outlives the rows that it describes."""

import json
from collections.abc import Iterable
from typing import Any, cast

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.http import HttpRequest

from crm.workspace.theme import PagesMixin


class LogsNoNames(PagesMixin):  # type: ignore[type-arg]
    """Make an admin page about customers log the number of a row, and never a customer's name."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return _log(request, [obj], ADDITION, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return _log(request, [obj], CHANGE, message)

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Model]) -> Any:
        return _log(request, queryset, DELETION, [])


def _log(request: HttpRequest, rows: Iterable[Model], action: int, message: Any) -> list[LogEntry]:
    """Write one entry for each row. The message has the names of the form's fields, and none of their values."""
    return LogEntry.objects.bulk_create(
        LogEntry(
            user=cast(Any, request.user),
            content_type=ContentType.objects.get_for_model(row, for_concrete_model=False),
            object_id=str(row.pk),
            object_repr=f"{str(row._meta.verbose_name).capitalize()} {row.pk}",
            action_flag=action,
            change_message=json.dumps(message) if isinstance(message, list) else message,
        )
        for row in rows
    )
