"""Frame every page about one customer."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpResponse
from django.shortcuts import render

from crm.models import Consent, Customer
from emotions.access import StaffRequest


def customer_page(
    request: StaffRequest, customer: Customer, template: str, context: dict[str, Any], *, title: str, status: int = 200
) -> HttpResponse:
    """Render a page about a customer in the admin's frame, with the customer's consents."""
    frame = admin.site.each_context(request)
    about = {
        "title": title,
        "customer": customer,
        "consent": Consent.objects.newest_of(customer, Consent.Scope.EMOTION_ANALYSIS),
        "training_consent": Consent.objects.newest_of(customer, Consent.Scope.MODEL_TRAINING),
        "notice_version": settings.CONSENT_NOTICE_VERSION,
    }
    return render(request, template, frame | about | context, status=status)
