"""Celery entry points of re-analyses. Each may be run twice."""

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
    """New photos come first: whoever analyses the last of them sends the message."""
    return Reanalysis.objects.waits() and not Snapshot.objects.waits()


def _take_next() -> Claim | None:
    from emotions.reanalyses import worker  # web processes import this module and must not load the pipeline

    return worker.take_next()


def _go_on(claim: Claim) -> None:
    from emotions.reanalyses import worker  # as above

    worker.go_on(claim)


REANALYSES = Line(task=go_on_reanalysing, waits=_reanalyses_wait, claim_next=_take_next, do=_go_on)
