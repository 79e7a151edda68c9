"""Pages for those who manage models: the list, a model's card, activation, and re-analyses."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.models import Customer
from emotions.access import StaffRequest, View, customer_or_404, for_staff, snapshot_or_404
from emotions.model_versions.cards import is_folder, released_model
from emotions.model_versions.queries import Entry, Progress, entry, models_page, progress_of
from emotions.model_versions.services import activate
from emotions.models import Reanalysis
from emotions.reanalyses import services as reanalysis
from emotions.reanalyses.services import NothingToDo
from ml.errors import ModelUnavailable

MANAGE = "emotions.manage_models"


def for_managers(view: View) -> View:
    """Other members of staff are refused."""
    return for_staff(permission_required(MANAGE, raise_exception=True)(view))


@require_GET
def models(request: StaffRequest) -> HttpResponse:
    shown = models_page(settings.MODELS_DIR)
    return _page(
        request, "emotions/model_versions/models.html", "Models", {"shown": shown, "runs": progress_of(shown.runs)}
    )


@require_GET
def model(request: StaffRequest, folder: str) -> HttpResponse:
    shown = _entry_or_404(folder)
    return _page(request, "emotions/model_versions/model.html", f"Model {_name(shown)}", {"entry": shown})


@require_http_methods(["GET", "HEAD", "POST"])
def activation(request: StaffRequest, folder: str) -> HttpResponseBase:
    """Ask before another model analyses photos."""
    shown = _entry_or_404(folder)
    if request.method != "POST":
        return _page(request, "emotions/model_versions/activation.html", f"Activate {_name(shown)}", {"entry": shown})
    try:
        done = activate(folder, request.POST.get("fingerprint", ""), request.user)
    except ModelUnavailable as error:
        messages.error(request, f"Nothing was changed. {error}")
    else:
        messages.success(request, f"{_name(shown)} {'is active now' if done else 'was active already'}.")
    return redirect("emotions:models")


@require_POST
def reanalyse(request: StaffRequest) -> HttpResponseBase:
    scope = Reanalysis.Scope.ALL if request.POST.get("scope") == Reanalysis.Scope.ALL else Reanalysis.Scope.MISSING

    def start() -> Reanalysis:
        run = reanalysis.reanalyse_everything(request.user, only_missing=scope == Reanalysis.Scope.MISSING)
        if run.scope != scope:
            messages.info(request, "This re-analysis was running already. Ask again when it has ended.")
        return run

    return _start(request, "emotions:models", start)


@require_POST
def reanalyse_customer(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    customer = customer_or_404(request, public_id)
    return _start(request, customer, lambda: reanalysis.reanalyse_customer(customer, request.user))


@require_POST
def reanalyse_snapshot(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    snapshot = snapshot_or_404(request, public_id)
    customer = snapshot.interaction.customer
    return _start(request, customer, lambda: reanalysis.reanalyse_snapshot(snapshot, request.user))


@require_GET
def run(request: StaffRequest, public_id: uuid.UUID) -> HttpResponse:
    """How far a re-analysis is; for a page that waits for news, that part alone, and nothing while there is none."""
    if request.headers.get("HX-Request"):
        found = _runs().filter(uuid=public_id).first()
        if found is None:
            return render(request, "emotions/reanalyses/gone.html")
        progress = Progress(found)
        if request.GET.get("state") == progress.state:
            return HttpResponse(status=204)
        return render(request, "emotions/reanalyses/progress.html", {"progress": progress, "announce": True})
    progress = Progress(_run_or_404(public_id))
    context = {"progress": progress, "customer": _customer_of(request, progress.run)}
    return _page(request, "emotions/reanalyses/reanalysis.html", "Re-analysis", context)


@require_POST
def stop(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    found = _run_or_404(public_id)
    reanalysis.stop(found)
    if request.headers.get("HX-Request"):
        found.refresh_from_db()
        return render(request, "emotions/reanalyses/progress.html", {"progress": Progress(found), "announce": True})
    return redirect("emotions:reanalysis", public_id)


def _start(request: StaffRequest, back: str | Customer, start: Callable[[], Reanalysis]) -> HttpResponseBase:
    """To the page of the run; with the reason back where the button was, when there can be none."""
    try:
        return redirect("emotions:reanalysis", start().uuid)
    except ModelUnavailable as error:
        messages.error(request, f"No photo is analysed again. {error}")
    except NothingToDo as error:
        messages.info(request, str(error))
    return redirect(back) if isinstance(back, str) else redirect("emotions:timeline", back.uuid)


def _entry_or_404(folder: str) -> Entry:
    if not is_folder(folder, settings.MODELS_DIR):
        raise Http404
    return entry(released_model(folder, settings.MODELS_DIR))


def _run_or_404(public_id: uuid.UUID) -> Reanalysis:
    return get_object_or_404(_runs(), uuid=public_id)


def _runs() -> QuerySet[Reanalysis]:
    return Reanalysis.objects.select_related("model_version", "requested_by", "snapshot__interaction")


def _customer_of(request: StaffRequest, run: Reanalysis) -> Customer | None:
    """Whose photos these are, for those who may see the customer."""
    customer_id = run.snapshot.interaction.customer_id if run.snapshot else run.customer_id
    return Customer.objects.visible_to(request.user).filter(pk__in=[customer_id]).first() if customer_id else None


def _name(shown: Entry) -> str:
    card = shown.model.card
    return f"{card.name} {card.version}" if card else shown.model.folder


def _page(request: StaffRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
    return render(request, template, admin.site.each_context(request) | {"title": title} | context)
