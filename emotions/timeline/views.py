"""Show one customer's timeline and sentiment."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from emotions.access import StaffRequest, customer_or_404
from emotions.sentiment.queries import sentiment
from emotions.timeline.pages import customer_page
from emotions.timeline.queries import timeline_page


@require_GET
def timeline(request: StaffRequest, public_id: uuid.UUID) -> HttpResponse:
    customer = customer_or_404(request, public_id)
    page, entries = timeline_page(customer, request.GET.get("page"))
    context = {"page": page, "entries": entries, "chart": sentiment(customer)}
    return customer_page(request, customer, "emotions/timeline/timeline.html", context, title=customer.name)


@require_GET
def sentiment_chart(request: StaffRequest, public_id: uuid.UUID) -> HttpResponse:
    """Return the chart alone, which the page asks for when the analysis of a photo has ended."""
    customer = customer_or_404(request, public_id)
    return render(request, "emotions/sentiment/sentiment.html", {"customer": customer, "chart": sentiment(customer)})
