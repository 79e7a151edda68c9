"""Count what a deletion takes along. The number of queries does not depend on the number of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import CASCADE, PROTECT, RESTRICT, Model, Q
from django.db.models.deletion import get_candidate_relations_to_delete
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from crm.workspace.protected_rows import protected_rows
from crm.workspace.theme import PagesMixin

MAX_NAMES = 20  # rows named on one page; it counts the others


class CountsWhatItDeletes(PagesMixin):  # type: ignore[type-arg]
    """Make an admin page count what is deleted with its rows. Django would list every single row."""

    # Whether permission to delete a row is enough to delete what belongs to it, even if its own pages forbid that.
    deletes_what_belongs: ClassVar[bool] = False
    advice_before_deletion: ClassVar[str] = ""  # what to do about rows that keep others from being deleted

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[SafeString | str], dict[str, int], set[str], list[str]]:
        rows = list(objs)
        belonging = dict(_belonging(self.model, Q(pk__in=[row.pk for row in rows])))
        counts = {model: model._base_manager.filter(which).count() for model, which in belonging.items()}
        lines = [self.line_before_deletion(row) for row in rows[:MAX_NAMES]]
        if len(rows) > MAX_NAMES:
            lines.append(f"and {len(rows) - MAX_NAMES} more")
        found = {str(model._meta.verbose_name_plural): count for model, count in counts.items() if count}
        return lines, found, self._forbidden(request, rows, counts), self._protected(request, belonging)

    def line_before_deletion(self, row: Model) -> SafeString | str:
        return format_html("{}: {}", capfirst(str(row._meta.verbose_name)), row)

    def _forbidden(self, request: HttpRequest, rows: Sequence[Model], counts: dict[type[Model], int]) -> set[str]:
        models = set() if self.deletes_what_belongs else {model for model, count in counts.items() if count}
        pages = {model: admin.site.get_model_admin(model) for model in models if admin.site.is_registered(model)}
        forbidden = {model for model, page in pages.items() if not page.has_delete_permission(request)}
        if not all(self.has_delete_permission(request, row) for row in rows):
            forbidden.add(self.model)
        return {str(model._meta.verbose_name) for model in forbidden}

    def _protected(self, request: HttpRequest, belonging: dict[type[Model], Q]) -> list[str]:
        """Return a line for each row that cannot be deleted while other rows refer to it."""
        lines: list[str] = []
        for model, which in belonging.items():
            lines += protected_rows(request, model, which, _relations(model, PROTECT, RESTRICT))
        return [*lines, self.advice_before_deletion] if lines and self.advice_before_deletion else lines


def _belonging(model: type[Model], which: Q) -> Iterator[tuple[type[Model], Q]]:
    """Yield each model that loses rows, with a condition for these rows. A model comes after its owners."""
    found: dict[type[Model], Q] = {model: which}
    for each in _in_order(model):
        yield each, found[each]
        for relation in _relations(each, CASCADE):
            owners = each._base_manager.filter(found[each]).values("pk")
            theirs = Q(**{f"{relation.field.name}__in": owners})
            found[relation.related_model] = found.get(relation.related_model, Q()) | theirs


def _in_order(model: type[Model]) -> list[type[Model]]:
    done: list[type[Model]] = []

    def visit(each: type[Model]) -> None:
        for relation in _relations(each, CASCADE):
            if relation.related_model not in done:
                visit(relation.related_model)
        done.append(each)

    visit(model)
    return done[::-1]


def _relations(model: type[Model], *on_delete: Any) -> list[Any]:
    relations: Iterable[Any] = get_candidate_relations_to_delete(model._meta)
    return [each for each in relations if each.on_delete in on_delete]
