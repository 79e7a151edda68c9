"""Ask for confirmation, then record or withdraw a consent."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from crm.consents.services import AnalysisConsentMissing, check_consent, record_consent
from crm.models import Consent, Customer
from emotions.access import StaffRequest, customer_or_404
from emotions.consents.forms import ConsentForm, NewConsentForm
from emotions.timeline.pages import customer_page


@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: StaffRequest, public_id: uuid.UUID, *, granted: bool) -> HttpResponseBase:
    """Record or withdraw the consent to photos and their analysis."""
    customer = customer_or_404(request, public_id)
    form = (NewConsentForm if granted else ConsentForm)(request.POST or None)
    if form.is_valid():
        training = [Consent.Scope.MODEL_TRAINING] if form.cleaned_data.get("model_training") else []
        return _record(request, customer, form, [Consent.Scope.EMOTION_ANALYSIS, *training], granted=granted)
    return _consent_page(request, customer, "emotions/consents/confirm.html", form, granted=granted)


@require_http_methods(["GET", "HEAD", "POST"])
def training_consent(request: StaffRequest, public_id: uuid.UUID, *, granted: bool) -> HttpResponseBase:
    """Record or withdraw the consent to use the photos for training the model."""
    customer = customer_or_404(request, public_id)
    form = ConsentForm(request.POST or None)
    try:
        with transaction.atomic():
            check_consent(customer, granted=granted, scope=Consent.Scope.MODEL_TRAINING)
            if form.is_valid():
                return _record(request, customer, form, [Consent.Scope.MODEL_TRAINING], granted=granted)
    except AnalysisConsentMissing as error:
        messages.error(request, str(error))
        return redirect("emotions:timeline", customer.uuid)
    return _consent_page(request, customer, "emotions/consents/confirm_training.html", form, granted=granted)


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
    return customer_page(request, customer, template, {"form": form, "granted": granted}, title=title)
