"""Show the card of one photo, and let staff retry it, choose the customer's face and correct the answer."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from crm.models import Consent
from emotions.access import StaffRequest
from emotions.corrections import services as corrections
from emotions.corrections.forms import CorrectionForm
from emotions.model_versions.services import other_versions
from emotions.snapshots.models import Snapshot
from emotions.timeline.cards import card
from emotions.timeline.lookups import correctable_or_404, face_or_404, snapshot_or_404
from emotions.timeline.queries import page_with
from emotions.uploads import services

CHART_CHANGED = "snapshot-finished"  # the page then fetches the sentiment chart


@require_GET
def snapshot(request: StaffRequest, public_id: uuid.UUID) -> HttpResponse:
    """Return one card to a page that polls, or no content while the card is as the page shows it."""
    current = card(snapshot_or_404(request, public_id), other_versions())
    if request.GET.get("state") == current.state:
        return HttpResponse(status=204)
    return _render_card(request, current.snapshot)


@require_POST
def retry(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    problem = ""
    try:
        services.retry(snapshot_or_404(request, public_id))
    except services.ConsentMissing as error:
        problem = str(error)
    return _answer_with_card(request, snapshot_or_404(request, public_id), problem)


@require_POST
def choose_subject(request: StaffRequest, public_id: uuid.UUID, record_id: int) -> HttpResponseBase:
    """Make this face the customer."""
    corrections.choose_subject(face_or_404(request, record_id, snapshot__uuid=public_id))
    return _answer_with_card(request, snapshot_or_404(request, public_id))


@require_POST
def correct(request: StaffRequest, public_id: uuid.UUID, record_id: int) -> HttpResponseBase:
    """Save which emotion a member of staff sees in the customer's face."""
    record = correctable_or_404(request, record_id, snapshot__uuid=public_id)
    form = CorrectionForm(request.POST)
    if form.is_valid():
        corrections.correct(record, form.cleaned_data["emotion"], request.user)
    return _answer_with_card(request, snapshot_or_404(request, public_id), form.problem, focus=True)


@require_POST
def take_back(request: StaffRequest, public_id: uuid.UUID, record_id: int) -> HttpResponseBase:
    """Let the model's answer stand again."""
    corrections.take_back(correctable_or_404(request, record_id, snapshot__uuid=public_id), request.user)
    return _answer_with_card(request, snapshot_or_404(request, public_id), focus=True)


@require_GET
def on_timeline(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Redirect to the photo on the timeline. Links lead here because finding the page takes a query."""
    return redirect(_address_on_timeline(snapshot_or_404(request, public_id)))


def _answer_with_card(
    request: StaffRequest, snapshot: Snapshot, problem: str = "", *, focus: bool = False
) -> HttpResponseBase:
    """Return the card to htmx, and lead a browser without scripts to the card on the timeline."""
    if request.headers.get("HX-Request"):
        return _render_card(request, snapshot, problem, focus=focus)
    if problem:
        messages.error(request, problem)
    return redirect(_address_on_timeline(snapshot))


def _address_on_timeline(snapshot: Snapshot) -> str:
    timeline = reverse("emotions:timeline", args=[snapshot.customer.uuid])
    return f"{timeline}?page={page_with(snapshot.interaction)}#snapshot-{snapshot.uuid}"


def _render_card(request: StaffRequest, snapshot: Snapshot, problem: str = "", *, focus: bool = False) -> HttpResponse:
    context = {
        "card": card(snapshot, other_versions()),
        "problem": problem,
        "announce": True,
        "focus": focus,
        "consent": Consent.objects.newest_of(snapshot.customer, Consent.Scope.EMOTION_ANALYSIS),
    }
    response = render(request, "emotions/snapshots/snapshot.html", context)
    if not snapshot.is_unfinished:
        response.headers["HX-Trigger"] = CHART_CHANGED
    return response
