"""Delete rows to which others may be adding at the same moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from crm.privacy.write_ahead_log import empty_write_ahead_log
from crm.signals import deletion_begins, deletion_locked

Row = TypeVar("Row", bound=models.Model)
# PostgreSQL and SQLite say this if the foreign key of a new row refers to no row.
REFERS_TO_NOTHING = ("insert or update on table", "FOREIGN KEY constraint failed")


def lock_to_delete(rows: models.QuerySet[Any]) -> None:
    """Lock the rows before Django looks up what belongs to them.

    A row that somebody adds after that look-up would break the deletion. Call this in the deletion's transaction.
    """
    locked = rows.model._base_manager.select_for_update().filter(pk__in=rows.order_by().values("pk")).order_by("pk")
    pks = list(locked.values_list("pk", flat=True))
    deletion_begins.send(rows.model, pks=pks)
    deletion_locked.send(rows.model, pks=pks)
    transaction.on_commit(empty_write_ahead_log, robust=True)


def models_with_locked_deletion() -> list[type[LockedDeletion]]:
    """Return the models with rows that are locked before their deletion."""
    return [model for model in apps.get_models() if issubclass(model, LockedDeletion)]


def was_deleted_meanwhile(error: BaseException) -> bool:
    """Return whether the error means that a row was deleted before it could be locked or referred to."""
    if isinstance(error, IntegrityError):
        return any(words in str(error) for words in REFERS_TO_NOTHING)
    return isinstance(error, tuple(model.DoesNotExist for model in models_with_locked_deletion()))


def keep_from_deletion(model: type[models.Model], pks: Iterable[int]) -> set[int]:
    """Keep these rows from deletion until the transaction ends, and return the primary keys that still exist.

    Others may change the rows meanwhile. Django cannot ask PostgreSQL for such a lock, so this is SQL. SQLite needs no
    lock, because only one transaction can write at a time.
    """
    wanted = sorted(pks)
    if connection.vendor != "postgresql":
        return set(model._base_manager.filter(pk__in=wanted).values_list("pk", flat=True))
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table} WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE", [wanted])  # noqa: S608
        return {pk for (pk,) in cursor.fetchall()}


class LockedDeletionQuerySet(models.QuerySet[Row]):
    @transaction.atomic
    def delete(self) -> tuple[int, dict[str, int]]:
        lock_to_delete(self)
        return super().delete()

    delete.queryset_only = True  # type: ignore[attr-defined]  # as on Django's own, so that managers do not offer it
    delete.alters_data = True  # type: ignore[attr-defined]


class LockedDeletion(models.Model):
    """A row with a public `uuid` and a manager with `visible_to`, locked before it is deleted."""

    class Meta:
        abstract = True

    @transaction.atomic
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        lock_to_delete(type(self)._base_manager.filter(pk=self.pk))
        return super().delete(*args, **kwargs)
