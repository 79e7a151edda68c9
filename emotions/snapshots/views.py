"""One snapshot's card, and what staff do with it: retry, say whose face it is, say what they see in it."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from emotions.access import StaffRequest, face_or_404, snapshot_or_404
from emotions.corrections import services as corrections
from emotions.corrections.forms import CorrectionForm
from emotions.model_versions.services import other_versions
from emotions.models import EmotionRecord, Snapshot
from emotions.review.queries import reviewable
from emotions.snapshots import services
from emotions.timeline.queries import card, newest_consent, page_with

CHART_CHANGED = {"HX-Trigger": "snapshot-finished"}


@require_GET
def snapshot(request: StaffRequest, public_id: uuid.UUID) -> HttpResponse:
    """One card for a page that waits for news; no content while there is none."""
    shown = card(snapshot_or_404(request, public_id), other_versions())
    if request.GET.get("state") == shown.state:
        return HttpResponse(status=204)
    return _card(request, shown.snapshot)


@require_POST
def retry(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    found = snapshot_or_404(request, public_id)
    problem = ""
    try:
        services.retry(found)
    except services.ConsentMissing as error:
        problem = str(error)
    return _changed(request, snapshot_or_404(request, public_id), problem)


@require_POST
def choose_subject(request: StaffRequest, public_id: uuid.UUID, record_id: int) -> HttpResponseBase:
    """Staff say which face is the customer."""
    services.choose_subject(face_or_404(request, record_id, snapshot__uuid=public_id))
    return _changed(request, snapshot_or_404(request, public_id))


@require_POST
def correct(request: StaffRequest, public_id: uuid.UUID, record_id: int) -> HttpResponseBase:
    """Staff say what they see in the customer's face."""
    record = _reviewable_or_404(request, public_id, record_id)
    form = CorrectionForm(request.POST)
    if form.is_valid():
        corrections.correct(record, form.cleaned_data["emotion"], request.user)
    return _changed(request, snapshot_or_404(request, public_id), form.problem, focus=True)


@require_POST
def take_back(request: StaffRequest, public_id: uuid.UUID, record_id: int) -> HttpResponseBase:
    """Staff let the model's answer stand again."""
    corrections.take_back(_reviewable_or_404(request, public_id, record_id), request.user)
    return _changed(request, snapshot_or_404(request, public_id), focus=True)


@require_GET
def on_timeline(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """To the snapshot's place on the timeline, which takes a query to find."""
    return redirect(_place(snapshot_or_404(request, public_id)))


def _reviewable_or_404(request: StaffRequest, public_id: uuid.UUID, record_id: int) -> EmotionRecord:
    return get_object_or_404(reviewable(request.user), pk=face_or_404(request, record_id, snapshot__uuid=public_id).pk)


def _changed(request: StaffRequest, changed: Snapshot, problem: str = "", *, focus: bool = False) -> HttpResponseBase:
    """The card for htmx; for a browser without scripts, the timeline at that card."""
    if request.headers.get("HX-Request"):
        return _card(request, changed, problem, focus=focus)
    if problem:
        messages.error(request, problem)
    return redirect(_place(changed))


def _place(shown: Snapshot) -> str:
    customer, page = shown.interaction.customer, page_with(shown.interaction)
    return f"{reverse('emotions:timeline', args=[customer.uuid])}?page={page}#snapshot-{shown.uuid}"


def _card(request: StaffRequest, shown: Snapshot, problem: str = "", *, focus: bool = False) -> HttpResponse:
    context = {"card": card(shown, other_versions()), "problem": problem, "announce": True, "focus": focus}
    context["consent"] = newest_consent(shown.interaction.customer)
    headers = None if shown.is_unfinished else CHART_CHANGED
    return HttpResponse(render(request, "emotions/snapshots/snapshot.html", context).content, headers=headers)
