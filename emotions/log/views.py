"""Log an interaction with its photos.

The page's script asks for JSON. Browsers without scripts get pages.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from crm.http.body_limits import takes_large_bodies
from crm.models import Consent, Customer, Interaction
from emotions.access import StaffRequest, customer_or_404
from emotions.log.forms import UNAVAILABLE, LogForm
from emotions.snapshots.photos import PhotoRefused
from emotions.timeline.pages import customer_page
from emotions.timeline.queries import page_with
from emotions.uploads import services
from jobs.outage import RETRY_AFTER


@takes_large_bodies(settings.MAX_FORM_BYTES)
@require_http_methods(["GET", "HEAD", "POST"])
def log(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """Show the form, or save what was entered and lead to it on the timeline."""
    customer = customer_or_404(request, public_id)
    consent = Consent.objects.newest_of(customer, Consent.Scope.EMOTION_ANALYSIS)
    if request.method != "POST":
        return _log_page(request, customer, LogForm(customer, consent=consent))
    if logged := _find_logged(request, customer):
        messages.info(request, "This interaction was logged already, and was not added again.")
        return _lead_to_timeline(request, logged)
    form = LogForm(customer, request.POST, request.FILES, consent=consent)
    if form.is_valid() and (saved := _save(request, form)):
        return _lead_to_timeline(request, saved, form.clock_hints)
    return _refuse(request, customer, form)


def _log_page(request: StaffRequest, customer: Customer, form: LogForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "max_photos": settings.MAX_PHOTOS_PER_FORM,
        "max_bytes": settings.MAX_PHOTO_BYTES,
        "max_megabytes": settings.MAX_PHOTO_BYTES // 1024 // 1024,
        "time_zone_help": f"In the time zone {settings.TIME_ZONE}.",
    }
    return customer_page(request, customer, "emotions/log/log.html", context, title="Log interaction", status=status)


def _find_logged(request: StaffRequest, customer: Customer) -> Interaction | None:
    """Return the interaction that the same form logged before; None if there is none."""
    try:
        reference = uuid.UUID(request.POST.get("uuid", ""))
    except ValueError:
        return None
    return Interaction.objects.filter(uuid=reference, customer=customer).first()


def _save(request: StaffRequest, form: LogForm) -> Interaction | None:
    """Save the interaction with its photos. Return None if that was refused; the form then says why."""
    interaction: Interaction = form.save(commit=False)
    interaction.uuid = form.cleaned_data["uuid"]
    try:
        services.log_interaction(
            interaction, form.photos_given, consent_obtained_by=form.consent_given_by, by=request.user
        )
    except services.ConsentMissing as error:
        form.add_error(None, f"{error} It was withdrawn while you filled in this form. Load the page again.")
    except PhotoRefused as error:
        form.add_error("photos", str(error))
    except services.StorageUnavailable as error:
        form.add_error("photos", ValidationError(str(error), UNAVAILABLE))
    except IntegrityError:  # the same form arrived twice at once
        if first := Interaction.objects.filter(uuid=interaction.uuid, customer=interaction.customer).first():
            return first
        form.add_error(None, "This form cannot be used again. Load the page again.")
    else:
        return interaction
    return None


def _lead_to_timeline(request: StaffRequest, logged: Interaction, hints: Sequence[str] = ()) -> HttpResponseBase:
    timeline_url = reverse("emotions:timeline", args=[logged.customer.uuid])
    for hint in hints:
        messages.warning(request, hint)
    # Hints are shown at the top of the page, and an address with the interaction's anchor would scroll past them.
    anchor = "" if hints else f"#interaction-{logged.uuid}"
    location = f"{timeline_url}?page={page_with(logged)}{anchor}"
    return JsonResponse({"location": location}) if _wants_json(request) else redirect(location)


def _refuse(request: StaffRequest, customer: Customer, form: LogForm) -> HttpResponseBase:
    """Say what is wrong: 503 if it passes by itself, 422 if the person must correct something."""
    if not form.has_error("photos", UNAVAILABLE):
        return _answer_with_errors(request, customer, form, 422)
    answer = _answer_with_errors(request, customer, form, 503)
    answer.headers["Retry-After"] = str(RETRY_AFTER)
    return answer


def _answer_with_errors(request: StaffRequest, customer: Customer, form: LogForm, status: int) -> HttpResponseBase:
    if not _wants_json(request):
        form.focus_first_error()
        return _log_page(request, customer, form, status=status)
    errors = {field: [str(message) for message in found] for field, found in form.errors.items()}
    if form.photo_errors:  # the script shows each beside its photo
        del errors["photos"]
    photos = [{"index": error.index, "message": error.message} for error in form.photo_errors]
    return JsonResponse({"errors": errors, "photos": photos}, status=status)


def _wants_json(request: StaffRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"
