"""Who may open the pages of the workspace, and which rows they find there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404

from crm.models import Customer, User
from crm.privacy.deletion import LockedDeletion
from emotions.corrections.services import counting
from emotions.models import EmotionRecord, Snapshot
from emotions.timeline.queries import with_faces

View = Callable[..., HttpResponseBase]


class StaffRequest(HttpRequest):
    """A request by a member of staff, as views behind `for_staff` get it."""

    user: User


def for_staff(view: View, *, cacheable: bool = False) -> View:
    """Others are sent to the login page; a page that polls is loaded anew to get there.

    404 when a colleague deletes what the view is about to change: whoever changes it waits until it is gone.
    """
    guarded: View = admin.site.admin_view(view, cacheable)

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.headers.get("HX-Request") and not admin.site.has_permission(request):
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        try:
            return guarded(request, *args, **kwargs)
        except ObjectDoesNotExist as error:
            if LockedDeletion.explains(error):
                raise Http404("It was deleted meanwhile.") from error
            raise

    return wrapper


def customer_or_404(request: StaffRequest, public_id: uuid.UUID) -> Customer:
    return get_object_or_404(Customer.objects.visible_to(request.user).select_related("owner"), uuid=public_id)


def snapshot_or_404(request: StaffRequest, public_id: uuid.UUID) -> Snapshot:
    return get_object_or_404(with_faces(Snapshot.objects.visible_to(request.user)), uuid=public_id)


def face_or_404(request: StaffRequest, record_id: int, **of: Any) -> EmotionRecord:
    """The record or, if the photo was analysed again since it was shown, the one of the same face that counts now."""
    shown = EmotionRecord.objects.visible_to(request.user).defer("face_png").select_related("snapshot")
    if found := counting(get_object_or_404(shown, pk=record_id, **of)):
        return found
    raise Http404("The photo was analysed again meanwhile, and this face was not found.")
