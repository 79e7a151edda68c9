"""The pages of the workspace that the admin does not have: timeline, log form, consent."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from crm.body_limits import takes_large_bodies
from crm.models import Consent, Customer, Interaction
from crm.outage import RETRY_AFTER
from crm.services import record_consent
from emotions import services
from emotions.access import StaffRequest, customer_or_404
from emotions.forms import UNAVAILABLE, ConsentForm, LogForm, NewConsentForm
from emotions.photos import PhotoRefused
from emotions.sentiment import sentiment
from emotions.timeline import newest_consent, page_with, timeline_page


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


@takes_large_bodies(settings.MAX_FORM_BYTES)
@require_http_methods(["GET", "HEAD", "POST"])
def log(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """The form for an interaction with its photos. Scripts ask for JSON, browsers without get pages."""
    customer = customer_or_404(request, public_id)
    consent = newest_consent(customer)
    if request.method != "POST":
        return _log_page(request, customer, LogForm(customer, consent=consent))
    if logged := _logged_before(request, customer):
        messages.info(request, "This interaction had been logged already. It was not added again.")
        return _to_timeline(request, logged)
    form = LogForm(customer, request.POST, request.FILES, consent=consent)
    if form.is_valid() and (saved := _save(request, form)):
        return _to_timeline(request, saved, form.clock_hints)
    return _refuse(request, customer, form)


@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: StaffRequest, public_id: uuid.UUID, *, granted: bool) -> HttpResponseBase:
    """Ask before recording that the customer agreed, or no longer agrees."""
    customer = customer_or_404(request, public_id)
    form = (NewConsentForm if granted else ConsentForm)(request.POST or None)
    if form.is_valid():
        training = [Consent.Scope.MODEL_TRAINING] if form.cleaned_data.get("model_training") else []
        return _record(request, customer, form, [Consent.Scope.EMOTION_ANALYSIS, *training], granted=granted)
    return _consent_page(request, customer, "emotions/consent.html", form, granted=granted)


@require_http_methods(["GET", "HEAD", "POST"])
def training_consent(request: StaffRequest, public_id: uuid.UUID, *, granted: bool) -> HttpResponseBase:
    """Ask before recording that the photos may be used to improve the model, or no longer."""
    customer = customer_or_404(request, public_id)
    if granted and not Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS):
        messages.error(request, "Record the consent to photos and their analysis first.")
        return redirect("emotions:timeline", customer.uuid)
    form = ConsentForm(request.POST or None)
    if form.is_valid():
        return _record(request, customer, form, [Consent.Scope.MODEL_TRAINING], granted=granted)
    return _consent_page(request, customer, "emotions/consent_training.html", form, granted=granted)


def _record(
    request: StaffRequest, customer: Customer, form: ConsentForm, scopes: list[Consent.Scope], *, granted: bool
) -> HttpResponseBase:
    obtained_by = form.cleaned_data["obtained_by"]
    with transaction.atomic():
        for scope in scopes:
            record_consent(customer, granted=granted, obtained_by=obtained_by, recorded_by=request.user, scope=scope)
    messages.success(request, f"The consent was {'recorded' if granted else 'withdrawn'}.")
    return redirect("emotions:timeline", customer.uuid)


def _consent_page(
    request: StaffRequest, customer: Customer, template: str, form: ConsentForm, *, granted: bool
) -> HttpResponse:
    title = "Record consent" if granted else "Withdraw consent"
    return _page(request, customer, template, {"form": form, "granted": granted}, title=title)


def _page(
    request: StaffRequest, customer: Customer, template: str, context: dict[str, Any], *, title: str, status: int = 200
) -> HttpResponse:
    """A page about a customer in the admin's frame."""
    frame = admin.site.each_context(request)
    about = {
        "title": title,
        "customer": customer,
        "consent": newest_consent(customer),
        "training_consent": newest_consent(customer, Consent.Scope.MODEL_TRAINING),
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
    except PhotoRefused as error:
        form.add_error("photos", str(error))
    except services.StorageUnavailable as error:
        form.add_error("photos", ValidationError(str(error), UNAVAILABLE))
    except IntegrityError:  # the same form arrived twice at once
        if first := Interaction.objects.filter(uuid=interaction.uuid, customer=interaction.customer).first():
            return first
        form.add_error(None, "This form cannot be used again. Load this page again.")
    else:
        return interaction
    return None


def _to_timeline(request: StaffRequest, logged: Interaction, hints: Sequence[str] = ()) -> HttpResponseBase:
    timeline_url = reverse("emotions:timeline", args=[logged.customer.uuid])
    for hint in hints:  # at the top of the page, which the interaction's own place would lead past
        messages.warning(request, hint)
    place = "" if hints else f"#interaction-{logged.uuid}"
    location = f"{timeline_url}?page={page_with(logged)}{place}"
    return JsonResponse({"location": location}) if _wants_json(request) else redirect(location)


def _refuse(request: StaffRequest, customer: Customer, form: LogForm) -> HttpResponseBase:
    if not form.has_error("photos", UNAVAILABLE):
        return _refused(request, customer, form, 422)
    answer = _refused(request, customer, form, 503)
    answer.headers["Retry-After"] = str(RETRY_AFTER)
    return answer


def _refused(request: StaffRequest, customer: Customer, form: LogForm, status: int) -> HttpResponseBase:
    if not _wants_json(request):
        form.focus_first_error()
        return _log_page(request, customer, form, status=status)
    errors = {field: [str(message) for message in found] for field, found in form.errors.items()}
    if form.photo_errors:  # they stand at the photos
        del errors["photos"]
    photos = [{"index": error.index, "message": error.message} for error in form.photo_errors]
    return JsonResponse({"errors": errors, "photos": photos}, status=status)


def _wants_json(request: StaffRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
