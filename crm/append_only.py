"""Provide the base of histories, whose rows are only added, and never changed or deleted by themselves."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)


class AppendOnly(TypeError):
    """Somebody tried to change or delete a row of a history."""

    def __init__(self, model: type[models.Model]) -> None:
        rows = str(model._meta.verbose_name_plural).capitalize()
        super().__init__(f"{rows} are never changed or deleted. Add a new one instead.")


class AppendOnlyQuerySet(models.QuerySet[Row]):
    def update(self, **values: Any) -> NoReturn:
        raise AppendOnly(self.model)

    def delete(self) -> NoReturn:
        raise AppendOnly(self.model)


class AppendOnlyModel(models.Model):
    """A row of a history. It goes only with the row that it belongs to."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly(type(self))
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly(type(self))
