"""Celery's entry points. Each may be run twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import shared_task
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from crm.dispatch import Work
from crm.outage import outlasting_outages
from emotions import stray_files
from emotions.metrics import count_given_up
from emotions.models import Reanalysis, Snapshot, Turn
from emotions.models.snapshot import GIVEN_UP

if TYPE_CHECKING:
    from emotions.analysis import Taken

STRAY_FILES_SECONDS = 10.0


@shared_task
@outlasting_outages
def analyse_snapshots() -> None:
    PHOTOS.go_on(settings.ANALYSIS_SLICE)
    REANALYSES.announce_rest()


@shared_task
@outlasting_outages
def go_on_reanalysing() -> None:
    REANALYSES.go_on(settings.ANALYSIS_SLICE)


@shared_task
def sweep_snapshots() -> None:
    """Replace lost messages, and give up what cannot be analysed."""
    now = timezone.now()
    for snapshot_id in _ids(Snapshot.objects.worn_out(now)):
        count_given_up(Snapshot.objects.worn_out(now).filter(pk=snapshot_id).fail(GIVEN_UP))
    PHOTOS.announce_rest()
    REANALYSES.announce_rest()


@shared_task
def delete_stray_files(after: str = "") -> None:
    """For a while, and then by another message from there on: who completes no task for long counts as deaf."""
    if reached := stray_files.delete_stray_files_for(STRAY_FILES_SECONDS, after):
        delete_stray_files.delay(reached)


def _ids(rows: QuerySet[Any]) -> list[int]:
    """Rows are changed one by one: updates of several could wait for each other."""
    return list(rows.values_list("pk", flat=True))


def _take_next_snapshot() -> Taken | None:
    from emotions import analysis  # web processes import this module and must not load the pipeline

    return analysis.take_next()


def _analyse(taken: Taken) -> None:
    from emotions import analysis  # as above

    analysis.analyse(taken)


PHOTOS = Work(task=analyse_snapshots, waits=Snapshot.objects.waits, claim_next=_take_next_snapshot, do=_analyse)


def _reanalyses_wait() -> bool:
    """New photos come first: whoever analyses the last of them sends the message."""
    return Reanalysis.objects.waits() and not Snapshot.objects.waits()


def _take_next_turn() -> Turn | None:
    from emotions import rerun  # as above

    return rerun.take_next()


def _go_on(turn: Turn) -> None:
    from emotions import rerun  # as above

    rerun.go_on(turn)


REANALYSES = Work(task=go_on_reanalysing, waits=_reanalyses_wait, claim_next=_take_next_turn, do=_go_on)
