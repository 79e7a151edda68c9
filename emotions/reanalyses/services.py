"""Start and stop runs that analyse photos again. This module does not load the inference runtime."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from crm.models import Customer, User
from emotions.model_versions.models import ModelVersion
from emotions.model_versions.services import active_model
from emotions.reanalyses.models import Reanalysis
from emotions.reanalyses.tasks import go_on_reanalysing
from emotions.snapshots.models import Snapshot
from jobs.dispatch import announce_on_commit

STOPPED_BY_A_PERSON = "Somebody stopped it."

Scope = Reanalysis.Scope


class NothingToDo(Exception):
    """Report that all chosen photos already show the active model's answer."""


def reanalyse_snapshot(snapshot: Snapshot, by: User) -> Reanalysis:
    """Analyse one photo again. See `_start`."""
    return _start(by, scope=Scope.SNAPSHOT, snapshot=snapshot)


def reanalyse_customer(customer: Customer, by: User) -> Reanalysis:
    """Analyse all photos of one customer again. See `_start`."""
    return _start(by, scope=Scope.CUSTOMER, customer=customer)


def reanalyse_everything(by: User, *, only_missing: bool) -> Reanalysis:
    """Analyse all photos again, or only those that show another model's answer. See `_start`."""
    return _start(by, scope=Scope.MISSING if only_missing else Scope.ALL)


def _start(by: User, **what: Any) -> Reanalysis:
    """Start a run with the active model and return it, or return the run that covers the same photos already.

    Raises ModelUnavailable when the active model cannot be used, and NothingToDo.
    """
    version = ModelVersion.objects.of(active_model().check())
    try:
        with transaction.atomic():
            run = Reanalysis(model_version=version, started_by=by, total=0, last=_newest_snapshot(), **what)
            run.total = run.snapshots().count()
            run.save()
            if not run.total:
                raise NothingToDo(f"No photo is analysed again: all show the answer of {version}.")
            announce_on_commit(go_on_reanalysing)
            return run
    except IntegrityError:  # The constraints allow one run at a time. The other one may have ended by now.
        if another := _newest_like(**what):
            return another
        raise


def _newest_like(*, scope: Scope, **what: Any) -> Reanalysis | None:
    scopes = [Scope.MISSING, Scope.ALL] if scope in (Scope.MISSING, Scope.ALL) else [scope]
    return Reanalysis.objects.filter(scope__in=scopes, **what).first()


def _newest_snapshot() -> int:
    newest: int | None = Snapshot.objects.aggregate(newest=Max("pk"))["newest"]
    return newest or 0


def stop(run: Reanalysis) -> bool:
    """Stop a run; return False when it has already ended.

    A photo that is being analysed at this moment keeps its earlier answer.
    """
    return bool(Reanalysis.objects.filter(pk=run.pk).cancel(STOPPED_BY_A_PERSON))
