"""Define columns for text that people or other systems enter, and the column in which such text is searched."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models

from crm.text.normalisation import dialled, folded, is_visible, normal

SEARCH_COLUMN = "search_text"

if TYPE_CHECKING:
    Base = models.Field[Any, Any]
else:
    Base = object


def visible(text: str) -> None:
    """Raise ValidationError for text that shows nothing. Use this as a validator."""
    if text and not is_visible(text):
        raise ValidationError("Nothing of this can be seen. Enter at least one letter, digit or sign.", "invisible")


def without_blanks_around(text: str) -> None:
    """Raise ValidationError for text that begins or ends with white space. Use this as a validator."""
    if text != text.strip():
        message = "This begins or ends with a blank, so it could be taken for another one. Leave the blank out."
        raise ValidationError(message, "blanks_around")


class Normal(Base):
    """Store and look up text in its normal form, and refuse text that shows nothing. The column is an ordinary one."""

    default_validators: Any = [visible]  # noqa: RUF012

    def to_python(self, value: Any) -> Any:
        return _normal(super().to_python(value))

    def get_prep_value(self, value: Any) -> Any:
        return _normal(super().get_prep_value(value))

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Give the row in memory the text that is stored."""
        value = _normal(super().pre_save(model_instance, add))
        if isinstance(value, str):
            setattr(model_instance, self.attname, value)
        return value

    def deconstruct(self) -> Any:
        """Describe the field to migrations as Django's own, so that they need not import this module."""
        name, _, args, kwargs = super().deconstruct()
        ordinary = next(each for each in type(self).__mro__ if each.__module__.startswith("django."))
        return name, f"django.db.models.{ordinary.__name__}", args, kwargs


class CharField(Normal, models.CharField):  # type: ignore[type-arg]  # not generic at run time
    pass


class TextField(Normal, models.TextField):  # type: ignore[type-arg]
    pass


class EmailField(Normal, models.EmailField):  # type: ignore[type-arg]
    default_validators: Any = [*models.EmailField.default_validators, visible]  # noqa: RUF012


class IdentifierField(CharField):
    """Store an ID that another system gave. White space is not trimmed."""

    default_validators: Any = [*CharField.default_validators, without_blanks_around]  # noqa: RUF012


def search_text(row: object, columns: Iterable[str]) -> str:
    """Return the folded texts of a row for searching, one a line. The phone number is added in its dialled form."""
    texts = [folded(getattr(row, column)) for column in columns]
    return "\n".join(filter(None, [*texts, dialled(getattr(row, "phone", ""))]))


class SearchText(models.TextField):  # type: ignore[type-arg]
    """Store the folded texts of other columns. Migrations see an ordinary column, and no form shows it."""

    def __init__(self, *columns: str, **kwargs: Any) -> None:
        self.columns = columns
        fixed: Any = {"default": "", "db_default": "", "blank": True, "editable": False}
        super().__init__(**kwargs | fixed)

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        text = search_text(model_instance, self.columns)
        setattr(model_instance, self.attname, text)
        return text

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


class Searchable(models.Model):
    """A row with a SearchText named SEARCH_COLUMN. Every save writes that column."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], SEARCH_COLUMN}
        elif SEARCH_COLUMN in self.get_deferred_fields():
            setattr(self, SEARCH_COLUMN, "")  # Django does not save deferred columns
        super().save(*args, **kwargs)


def _normal(value: Any) -> Any:
    return normal(value) if isinstance(value, str) else value
