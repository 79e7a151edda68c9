"""Define the Celery tasks of re-analyses. Running one twice does no harm."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from emotions.reanalyses.models import Reanalysis
from emotions.snapshots.models import Snapshot
from jobs.dispatch import Line
from jobs.outage import outlasting_outages
from jobs.work import Claim


@shared_task
@outlasting_outages
def go_on_reanalysing() -> None:
    REANALYSES.go_on(settings.ANALYSIS_SLICE)


def _reanalyses_wait() -> bool:
    """Return whether a run can go on. New photos come first; the worker that analyses the last one announces runs."""
    return Reanalysis.objects.waits() and not Snapshot.objects.waits()


def _take_next() -> Claim | None:
    from emotions.reanalyses import worker  # Web processes import this module and must not load the pipeline.

    return worker.take_next()


def _go_on(claim: Claim) -> None:
    from emotions.reanalyses import worker  # Web processes must not load the pipeline.

    worker.go_on(claim)


REANALYSES = Line(task=go_on_reanalysing, waits=_reanalyses_wait, claim_next=_take_next, do=_go_on)
