"""Let managers see the released models, activate one, and have photos analysed again."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.models import Customer
from emotions.access import StaffRequest, customer_or_404
from emotions.model_management.cards import is_model_folder, released_model
from emotions.model_management.groups import read_group_report
from emotions.model_management.queries import Entry, Progress, entry, models_page, progress_of
from emotions.model_management.services import activate
from emotions.reanalyses import services as reanalysis
from emotions.reanalyses.models import Reanalysis
from emotions.reanalyses.services import NothingToDo
from emotions.snapshots.models import Snapshot
from ml.errors import ModelUnavailable


@require_GET
def models(request: StaffRequest) -> HttpResponse:
    page = models_page(settings.MODELS_DIR)
    context = {"page": page, "runs": progress_of(page.runs)}
    return _page(request, "emotions/model_management/models.html", "Models", context)


@require_GET
def model(request: StaffRequest, folder: str) -> HttpResponse:
    found = _entry_or_404(folder)
    context = {"entry": found, "by_group": read_group_report(settings.MODELS_DIR / folder, found.model.card)}
    return _page(request, "emotions/model_management/model.html", f"Model {_name(found)}", context)


@require_http_methods(["GET", "HEAD", "POST"])
def activation(request: StaffRequest, folder: str) -> HttpResponseBase:
    """Ask for confirmation, then let this model analyse photos."""
    found = _entry_or_404(folder)
    if request.method != "POST":
        title = f"Activate {_name(found)}"
        return _page(request, "emotions/model_management/activation.html", title, {"entry": found})
    try:
        activated = activate(folder, request.POST.get("fingerprint", ""), request.user)
    except ModelUnavailable as error:
        messages.error(request, f"Nothing was changed. {error}")
    else:
        messages.success(request, f"{_name(found)} {'is active now' if activated else 'was active already'}.")
    return redirect("emotions:models")


@require_POST
def reanalyse(request: StaffRequest) -> HttpResponseBase:
    scope = Reanalysis.Scope.ALL if request.POST.get("scope") == Reanalysis.Scope.ALL else Reanalysis.Scope.MISSING

    def start() -> Reanalysis:
        run = reanalysis.reanalyse_everything(request.user, only_missing=scope == Reanalysis.Scope.MISSING)
        if run.scope != scope:
            messages.info(request, "Another re-analysis of these photos is running. Start this one when it has ended.")
        return run

    return _start(request, "emotions:models", start)


@require_POST
def reanalyse_customer(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    customer = customer_or_404(request, public_id)
    return _start(request, customer, lambda: reanalysis.reanalyse_customer(customer, request.user))


@require_POST
def reanalyse_snapshot(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    visible = Snapshot.objects.visible_to(request.user).select_related("customer")
    snapshot = get_object_or_404(visible, uuid=public_id)
    return _start(request, snapshot.customer, lambda: reanalysis.reanalyse_snapshot(snapshot, request.user))


@require_GET
def run(request: StaffRequest, public_id: uuid.UUID) -> HttpResponse:
    """Show how far a re-analysis is."""
    if request.headers.get("HX-Request"):
        return _news_of_run(request, public_id)
    progress = Progress(_run_or_404(public_id))
    context = {"progress": progress, "customer": _customer_of(request, progress.run)}
    return _page(request, "emotions/reanalyses/reanalysis.html", "Re-analysis", context)


def _news_of_run(request: StaffRequest, public_id: uuid.UUID) -> HttpResponse:
    """Return the progress alone to a page that polls, or no content while it is as the page shows it."""
    found = _runs().filter(uuid=public_id).first()
    if found is None:
        return render(request, "emotions/reanalyses/gone.html")
    progress = Progress(found)
    if request.GET.get("state") == progress.state:
        return HttpResponse(status=204)
    return render(request, "emotions/reanalyses/progress.html", {"progress": progress, "announce": True})


@require_POST
def stop(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    found = _run_or_404(public_id)
    reanalysis.stop(found)
    if request.headers.get("HX-Request"):
        found.refresh_from_db()
        return render(request, "emotions/reanalyses/progress.html", {"progress": Progress(found), "announce": True})
    return redirect("emotions:reanalysis", public_id)


def _start(request: StaffRequest, back: str | Customer, start: Callable[[], Reanalysis]) -> HttpResponseBase:
    """Redirect to the page of the new run, or back to the page with the button and say why no run was started."""
    try:
        return redirect("emotions:reanalysis", start().uuid)
    except ModelUnavailable as error:
        messages.error(request, f"No photo is analysed again. {error}")
    except NothingToDo as error:
        messages.info(request, str(error))
    return redirect(back) if isinstance(back, str) else redirect("emotions:timeline", back.uuid)


def _entry_or_404(folder: str) -> Entry:
    if not is_model_folder(folder, settings.MODELS_DIR):
        raise Http404
    return entry(released_model(folder, settings.MODELS_DIR))


def _run_or_404(public_id: uuid.UUID) -> Reanalysis:
    return get_object_or_404(_runs(), uuid=public_id)


def _runs() -> QuerySet[Reanalysis]:
    return Reanalysis.objects.select_related("model_version", "started_by", "snapshot")


def _customer_of(request: StaffRequest, run: Reanalysis) -> Customer | None:
    """Return the customer whose photos these are, if this person may see the customer."""
    customer_id = run.snapshot.customer_id if run.snapshot else run.customer_id
    return Customer.objects.visible_to(request.user).filter(pk__in=[customer_id]).first() if customer_id else None


def _name(found: Entry) -> str:
    card = found.model.card
    return f"{card.name} {card.version}" if card else found.model.folder


def _page(request: StaffRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, admin.site.each_context(request) | {"title": title} | context)
