"""Decide which admin pages somebody may open, so that no link leads to a refusal."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.urls import ResolverMatch, resolve, reverse


def may_open(request: HttpRequest, address: str) -> bool:
    """Return whether the sender may open this list, row or app; true for any other address."""
    found = resolve(urlsplit(address).path)
    if found.url_name == "app_list":
        return bool(admin.site.get_app_list(request, found.kwargs["app_label"]))
    pages = _pages_of(found)
    return pages is None or pages.has_view_or_change_permission(request)


def open_or_home(request: HttpRequest, address: str) -> str:
    """Return the address if the sender may open it, otherwise that of the start page."""
    return address if may_open(request, address) else reverse("admin:index")


def _pages_of(found: ResolverMatch) -> ModelAdmin[Any] | None:
    for model, pages in admin.site._registry.items():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        if found.url_name in (f"{name}_changelist", f"{name}_change"):
            return pages
    return None
