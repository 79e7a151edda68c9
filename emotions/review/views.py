"""Let staff judge the least certain faces, and see how often people disagree with each model."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from emotions.access import StaffRequest
from emotions.answers.models import EmotionRecord
from emotions.corrections import services as corrections
from emotions.corrections.forms import CorrectionForm
from emotions.corrections.queries import correctable
from emotions.review.forms import ReviewFilter
from emotions.review.queries import Position, ReviewFace, ReviewPage, agreement, faces_to_review
from emotions.timeline.cards import Face
from emotions.timeline.lookups import correctable_or_404


@require_GET
def review(request: StaffRequest) -> HttpResponse:
    form = ReviewFilter(request.GET)
    after = Position.parse(request.GET.get("after", ""))
    page = ReviewPage((), None)
    if form.is_valid():
        page = faces_to_review(request.user, form.cleaned_data["model"], form.cleaned_data["emotion"], after)
    context = {
        "form": form,
        "page": page,
        "after": after,
        "filter_query": request.GET.urlencode(),
        "first_page_query": _query_of_page(request, ""),
        "next_page_query": _query_of_page(request, str(page.next)),
    }
    return _page(request, "emotions/review/review.html", context, title="Review")


@require_GET
def agreement_page(request: StaffRequest) -> HttpResponse:
    context = {"versions": agreement(request.user)}
    return _page(request, "emotions/review/agreement.html", context, title="Disagreement")


@require_POST
def correct(request: StaffRequest, record_id: int) -> HttpResponseBase:
    """Save which emotion a member of staff sees in a face of the list."""
    record = correctable_or_404(request, record_id)
    form = CorrectionForm(request.POST)
    if form.is_valid():
        corrections.correct(record, form.cleaned_data["emotion"], request.user)
    return _answer_with_face(request, record, form.problem)


@require_POST
def take_back(request: StaffRequest, record_id: int) -> HttpResponseBase:
    record = correctable_or_404(request, record_id)
    corrections.take_back(record, request.user)
    return _answer_with_face(request, record)


@require_POST
def cannot_tell(request: StaffRequest, record_id: int) -> HttpResponseBase:
    """Save that a member of staff looked at a face and cannot tell its emotion."""
    record = correctable_or_404(request, record_id)
    corrections.cannot_tell(record, request.user)
    return _answer_with_face(request, record, saved="Saved. The face has left your list.")


@require_POST
def can_tell(request: StaffRequest, record_id: int) -> HttpResponseBase:
    record = correctable_or_404(request, record_id)
    corrections.can_tell(record, request.user)
    return _answer_with_face(request, record, saved="Taken back. The face is in your list again.")


def _answer_with_face(
    request: StaffRequest, record: EmotionRecord, problem: str = "", saved: str = ""
) -> HttpResponseBase:
    """Return the face to htmx, and lead a browser without scripts back to its place in the list."""
    fresh = get_object_or_404(correctable(request.user), pk=record.pk)
    if request.headers.get("HX-Request"):
        cannot_tell = any(each.said_by_id == request.user.pk for each in fresh.cannot_tell.all())
        item = ReviewFace(Face(fresh), cannot_tell)
        context = {"item": item, "problem": problem, "filter_query": request.GET.urlencode(), "focus": True}
        return render(request, "emotions/review/face.html", context)
    if problem:
        messages.error(request, problem)
    else:
        customer = fresh.snapshot.customer
        messages.success(request, saved or f"Saved. You can change it on the timeline of {customer.name}.")
    return redirect(f"{reverse('emotions:review')}?{request.GET.urlencode()}")


def _query_of_page(request: StaffRequest, after: str) -> str:
    """Return the query string for the same filter at another position in the list."""
    query = request.GET.copy()
    query["after"] = after
    return query.urlencode()


def _page(request: StaffRequest, template: str, context: dict[str, Any], *, title: str) -> HttpResponse:
    return render(request, template, admin.site.each_context(request) | {"title": title} | context)
