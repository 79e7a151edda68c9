"""Delete rows to which others may be adding at the same moment."""

from __future__ import annotations

from typing import Any, TypeVar

from django.apps import apps
from django.db import models, transaction

from crm.privacy.write_ahead_log import empty_write_ahead_log
from crm.signals import deletion_begins, deletion_locked

Row = TypeVar("Row", bound=models.Model)


def lock_to_delete(rows: models.QuerySet[Any]) -> None:
    """Lock the rows before Django looks up what belongs to them.

    What somebody added after that look-up would break the deletion. Call this in the deletion's transaction.
    """
    locked = rows.model._base_manager.select_for_update().filter(pk__in=rows.order_by().values("pk")).order_by("pk")
    pks = list(locked.values_list("pk", flat=True))
    deletion_begins.send(rows.model, pks=pks)
    deletion_locked.send(rows.model, pks=pks)
    transaction.on_commit(empty_write_ahead_log, robust=True)


def models_with_locked_deletion() -> list[type[LockedDeletion]]:
    """Return every model whose rows are locked before they are deleted."""
    return [model for model in apps.get_models() if issubclass(model, LockedDeletion)]


def was_deleted_meanwhile(error: Exception) -> bool:
    """Return whether the error means that a row was deleted before it could be locked."""
    return isinstance(error, tuple(model.DoesNotExist for model in models_with_locked_deletion()))


class LockedDeletionQuerySet(models.QuerySet[Row]):
    @transaction.atomic
    def delete(self) -> tuple[int, dict[str, int]]:
        lock_to_delete(self)
        return super().delete()

    delete.queryset_only = True  # type: ignore[attr-defined]  # as Django's own: managers do not offer it
    delete.alters_data = True  # type: ignore[attr-defined]


class LockedDeletion(models.Model):
    """A row with a public `uuid` and a manager with `visible_to`, locked before it is deleted."""

    class Meta:
        abstract = True

    @transaction.atomic
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        lock_to_delete(type(self)._base_manager.filter(pk=self.pk))
        return super().delete(*args, **kwargs)
