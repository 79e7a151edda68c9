"""Celery entry points of the analysis. Each may be run twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import shared_task
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from emotions.analysis.metrics import count_given_up
from emotions.models import Snapshot
from emotions.outcomes.services import fail
from emotions.reanalyses.tasks import REANALYSES
from emotions.snapshots.models import GIVEN_UP
from jobs.dispatch import Work
from jobs.outage import outlasting_outages

if TYPE_CHECKING:
    from emotions.analysis.services import Taken


@shared_task
@outlasting_outages
def analyse_snapshots() -> None:
    PHOTOS.go_on(settings.ANALYSIS_SLICE)
    REANALYSES.announce_rest()


@shared_task
def sweep_snapshots() -> None:
    """Replace lost messages, and give up what cannot be analysed."""
    now = timezone.now()
    for snapshot_id in _ids(Snapshot.objects.worn_out(now)):
        count_given_up(fail(Snapshot.objects.worn_out(now).filter(pk=snapshot_id), GIVEN_UP))
    PHOTOS.announce_rest()
    REANALYSES.announce_rest()


def _ids(rows: QuerySet[Any]) -> list[int]:
    """Rows are changed one by one: updates of several could wait for each other."""
    return list(rows.values_list("pk", flat=True))


def _take_next_snapshot() -> Taken | None:
    from emotions.analysis import services  # web processes import this module and must not load the pipeline

    return services.take_next()


def _analyse(taken: Taken) -> None:
    from emotions.analysis import services  # as above

    services.analyse(taken)


PHOTOS = Work(task=analyse_snapshots, waits=Snapshot.objects.waits, claim_next=_take_next_snapshot, do=_analyse)
