"""Say which rows keep others from being deleted, and link to the list in which staff can change them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db.models import Count, Model, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

MAX_LINES = 20  # lines on one page, one for each row that cannot be deleted


def protected_rows(request: HttpRequest, model: type[Model], rows: Q, relations: Iterable[Any]) -> Iterator[SafeString]:
    """Yield a line for each row that cannot be deleted yet: how many others refer to it, and where to change them."""
    for relation in relations:
        field, protecting = relation.field, relation.related_model._base_manager
        owners = model._base_manager.filter(rows).values("pk")
        counts = protecting.filter(**{f"{field.name}__in": owners}).values_list(field.name).annotate(Count("pk"))
        by_owner = dict(counts.order_by(field.name))
        for pk, row in model._base_manager.in_bulk(list(by_owner)[:MAX_LINES]).items():
            yield _line(request, row, relation, by_owner[pk])
        if len(by_owner) > MAX_LINES:
            yield format_html("and {} more", len(by_owner) - MAX_LINES)


def _line(request: HttpRequest, row: Model, relation: Any, count: int) -> SafeString:
    field, related = relation.field, relation.related_model
    kind = related._meta.verbose_name if count == 1 else related._meta.verbose_name_plural
    sentence = format_html(
        "{} {} {} “{}” as {}.", count, kind, "has" if count == 1 else "have", row, field.verbose_name
    )
    page = admin.site._registry.get(related)
    if page is None:
        return sentence
    visible = page.get_queryset(request).filter(**{field.name: row}).count()
    if visible < count:
        colleague = "Ask a colleague who may see them all to change them."
        return format_html("{} You may see {} of them. {}", sentence, visible, colleague)
    return format_html('{} <a href="{}" class="rp-link">Show {}</a>', sentence, _list(page, field.name, row), kind)


def _list(page: ModelAdmin[Any], field: str, row: Model) -> str:
    options = page.model._meta
    address = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
    return f"{address}?{urlencode({f'{field}__id__exact': row.pk})}"
