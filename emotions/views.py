"""The pages of the workspace that the admin does not have: timeline, log form, consent, snapshots."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db import IntegrityError
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.models import Customer, Interaction
from crm.services import record_consent
from emotions import services
from emotions.access import StaffRequest, customer_or_404, snapshot_or_404
from emotions.forms import ConsentForm, LogForm
from emotions.models import EmotionRecord, Snapshot
from emotions.photos import PhotoRefused
from emotions.sentiment import sentiment
from emotions.timeline import card, newest_consent, page_with, timeline_page

CHART_CHANGED = {"HX-Trigger": "snapshot-finished"}


@require_GET
def timeline(request: StaffRequest, public_id: uuid.UUID) -> HttpResponse:
    customer = customer_or_404(request, public_id)
    page, entries = timeline_page(customer, request.GET.get("page"))
    context = {"page": page, "entries": entries, "chart": sentiment(customer)}
    return _page(request, customer, "emotions/timeline.html", context, title=customer.name)


@require_GET
def sentiment_chart(request: StaffRequest, public_id: uuid.UUID) -> HttpResponse:
    """The sentiment line alone, after a snapshot was finished."""
    customer = customer_or_404(request, public_id)
    return render(request, "emotions/sentiment.html", {"customer": customer, "chart": sentiment(customer)})


@require_http_methods(["GET", "HEAD", "POST"])
def log(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """The form for an interaction with its photos. Scripts ask for JSON, browsers without get pages."""
    customer = customer_or_404(request, public_id)
    consent = newest_consent(customer)
    stands = consent is not None and consent.granted
    if request.method != "POST":
        return _log_page(request, customer, LogForm(customer, consent_stands=stands))
    if logged := _logged_before(request, customer):
        messages.info(request, "This interaction had been logged already. It was not added again.")
        return _to_timeline(request, logged)
    form = LogForm(customer, request.POST, request.FILES, consent_stands=stands)
    if form.is_valid() and (saved := _save(request, form)):
        return _to_timeline(request, saved)
    return _refuse(request, customer, form)


@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: StaffRequest, public_id: uuid.UUID, *, granted: bool) -> HttpResponseBase:
    """Ask before recording that the customer agreed, or no longer agrees."""
    customer = customer_or_404(request, public_id)
    form = ConsentForm(request.POST or None)
    if form.is_valid():
        record_consent(
            customer, granted=granted, obtained_by=form.cleaned_data["obtained_by"], recorded_by=request.user
        )
        messages.success(request, f"The consent was {'recorded' if granted else 'withdrawn'}.")
        return redirect("emotions:timeline", customer.uuid)
    title = "Record consent" if granted else "Withdraw consent"
    return _page(request, customer, "emotions/consent.html", {"form": form, "granted": granted}, title=title)


@require_GET
def snapshot(request: StaffRequest, public_id: uuid.UUID) -> HttpResponse:
    """One card for a page that waits for news; no content while there is none."""
    shown = card(snapshot_or_404(request, public_id))
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
    records = EmotionRecord.objects.visible_to(request.user).filter(snapshot__uuid=public_id)
    services.choose_subject(get_object_or_404(records.defer("face_png"), pk=record_id))
    return _changed(request, snapshot_or_404(request, public_id))


def _changed(request: StaffRequest, changed: Snapshot, problem: str = "") -> HttpResponseBase:
    """The card for htmx; for a browser without scripts, the timeline at that card."""
    if request.headers.get("HX-Request"):
        return _card(request, changed, problem)
    if problem:
        messages.error(request, problem)
    customer, page = changed.interaction.customer, page_with(changed.interaction)
    return redirect(f"{reverse('emotions:timeline', args=[customer.uuid])}?page={page}#snapshot-{changed.uuid}")


def _card(request: StaffRequest, shown: Snapshot, problem: str = "") -> HttpResponse:
    context = {"card": card(shown), "problem": problem, "announce": True}
    headers = None if shown.is_unfinished else CHART_CHANGED
    return HttpResponse(render(request, "emotions/snapshot.html", context).content, headers=headers)


def _page(
    request: StaffRequest, customer: Customer, template: str, context: dict[str, Any], *, title: str, status: int = 200
) -> HttpResponse:
    """A page about a customer in the admin's frame."""
    frame = admin.site.each_context(request)
    about = {
        "title": title,
        "customer": customer,
        "consent": newest_consent(customer),
        "notice_version": settings.CONSENT_NOTICE_VERSION,
    }
    return render(request, template, frame | about | context, status=status)


def _log_page(request: StaffRequest, customer: Customer, form: LogForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "max_photos": settings.MAX_PHOTOS_PER_FORM,
        "max_bytes": settings.MAX_PHOTO_BYTES,
        "max_megabytes": settings.MAX_PHOTO_BYTES // 1024 // 1024,
        "time_zone_help": f"In the time zone {settings.TIME_ZONE}.",
    }
    return _page(request, customer, "emotions/log.html", context, title="Log interaction", status=status)


def _logged_before(request: StaffRequest, customer: Customer) -> Interaction | None:
    try:
        reference = uuid.UUID(request.POST.get("uuid", ""))
    except ValueError:
        return None
    return Interaction.objects.filter(uuid=reference, customer=customer).first()


def _save(request: StaffRequest, form: LogForm) -> Interaction | None:
    """None when it was refused; the form says why."""
    interaction: Interaction = form.save(commit=False)
    interaction.uuid = form.cleaned_data["uuid"]
    try:
        services.log_interaction(
            interaction, form.photos_given, consent_obtained_by=form.consent_given_by, by=request.user
        )
    except services.ConsentMissing as error:
        form.add_error(None, f"{error} It was withdrawn while you wrote; load this page again.")
    except (PhotoRefused, services.StorageUnavailable) as error:
        form.add_error("photos", str(error))
    except IntegrityError:  # the same form arrived twice at once
        if first := Interaction.objects.filter(uuid=interaction.uuid, customer=interaction.customer).first():
            return first
        form.add_error(None, "This form cannot be used again. Load this page again.")
    else:
        return interaction
    return None


def _to_timeline(request: StaffRequest, logged: Interaction) -> HttpResponseBase:
    timeline_url = reverse("emotions:timeline", args=[logged.customer.uuid])
    location = f"{timeline_url}?page={page_with(logged)}#interaction-{logged.uuid}"
    return JsonResponse({"location": location}) if _wants_json(request) else redirect(location)


def _refuse(request: StaffRequest, customer: Customer, form: LogForm) -> HttpResponseBase:
    if not _wants_json(request):
        return _log_page(request, customer, form, status=422)
    errors = {field: [str(message) for message in found] for field, found in form.errors.items()}
    if form.photo_errors:  # they stand at the photos
        del errors["photos"]
    photos = [{"index": error.index, "message": error.message} for error in form.photo_errors]
    return JsonResponse({"errors": errors, "photos": photos}, status=422)


def _wants_json(request: StaffRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
