"""Run the analysis for Celery. Each task may be run twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import shared_task
from django.conf import settings

from emotions.reanalyses.tasks import REANALYSES
from emotions.snapshots.models import Snapshot
from jobs.dispatch import Line
from jobs.outage import outlasting_outages

if TYPE_CHECKING:
    from emotions.analysis.batches import Batch


@shared_task
@outlasting_outages
def analyse_snapshots() -> None:
    PHOTOS.go_on(settings.ANALYSIS_SLICE)
    REANALYSES.announce_rest()


def _take_next_snapshots() -> Batch | None:
    from emotions.analysis import services  # web processes import this module and must not load the pipeline

    return services.take_next()


def _analyse(batch: Batch) -> None:
    from emotions.analysis import services  # for the same reason

    services.analyse(batch)


PHOTOS = Line(task=analyse_snapshots, waits=Snapshot.objects.waits, claim_next=_take_next_snapshots, do=_analyse)
