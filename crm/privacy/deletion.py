"""Deletion of rows to which others may be adding just then."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models, transaction

from crm.signals import deletion_begins, deletion_locked

Row = TypeVar("Row", bound=models.Model)


def lock_to_delete(rows: models.QuerySet[Any]) -> None:
    """Before Django looks up what belongs to the rows: what somebody adds after that would break the deletion.

    Call it in the deletion's transaction.
    """
    locked = rows.model._base_manager.select_for_update().filter(pk__in=rows.order_by().values("pk")).order_by("pk")
    pks = list(locked.values_list("pk", flat=True))
    deletion_begins.send(rows.model, pks=pks)
    deletion_locked.send(rows.model, pks=pks)


class LockedDeletionQuerySet(models.QuerySet[Row]):
    @transaction.atomic
    def delete(self) -> tuple[int, dict[str, int]]:
        lock_to_delete(self)
        return super().delete()

    delete.queryset_only = True  # type: ignore[attr-defined]  # as Django's: no manager offers it
    delete.alters_data = True  # type: ignore[attr-defined]


class LockedDeletion(models.Model):
    class Meta:
        abstract = True

    @staticmethod
    def explains(error: Exception) -> bool:
        """Whether a row of such a model was gone when somebody wanted to lock it."""
        return isinstance(error, tuple(model.DoesNotExist for model in LockedDeletion.__subclasses__()))

    @transaction.atomic
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        lock_to_delete(type(self)._base_manager.filter(pk=self.pk))
        return super().delete(*args, **kwargs)
