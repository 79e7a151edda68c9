"""Decide who may open a page of the workspace, and find the customer that it is about."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404

from crm.models import Customer, User

View = Callable[..., HttpResponseBase]
MANAGE_MODELS = "emotions.manage_models"


class StaffRequest(HttpRequest):
    """A request by a member of staff, which is what views behind `for_staff` receive."""

    user: User


def for_staff(view: View, *, cacheable: bool = False) -> View:
    """Send everybody but staff to the login page; a page that polls is reloaded to get there."""
    guarded: View = admin.site.admin_view(view, cacheable)

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.headers.get("HX-Request") and not admin.site.has_permission(request):
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return guarded(request, *args, **kwargs)

    return wrapper


def for_managers(view: View) -> View:
    """Refuse members of staff who may not manage models."""
    return for_staff(permission_required(MANAGE_MODELS, raise_exception=True)(view))


def customer_or_404(request: StaffRequest, public_id: uuid.UUID) -> Customer:
    return get_object_or_404(Customer.objects.visible_to(request.user).select_related("owner"), uuid=public_id)
