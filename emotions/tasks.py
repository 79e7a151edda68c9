"""Celery's entry points. Each takes an ID and may be run twice."""

import logging
from collections.abc import Iterable
from typing import Any

from celery import shared_task
from django.db.models import QuerySet
from django.utils import timezone

from emotions.models import Reanalysis, Snapshot
from emotions.models.snapshot import GIVEN_UP

logger = logging.getLogger(__name__)

# About what two workers do between two sweeps: more messages would only pile up before them.
SWEPT_AT_ONCE = 250


@shared_task
def analyse_snapshot(snapshot_id: int) -> None:
    from emotions import analysis  # web processes import this module and must not load the pipeline

    analysis.analyse(snapshot_id)
    enqueue_idle_reanalyses()


@shared_task
def go_on_reanalysing(reanalysis_id: int) -> None:
    from emotions import rerun  # as above

    rerun.go_on(reanalysis_id)
    enqueue_idle_reanalyses()


@shared_task
def sweep_snapshots() -> None:
    """Give up what cannot be analysed, and enqueue whatever no message stands for any more."""
    now = timezone.now()
    for snapshot_id in _ids(Snapshot.objects.worn_out(now)):
        Snapshot.objects.worn_out(now).filter(pk=snapshot_id).fail(GIVEN_UP)
    enqueue(_ids(Snapshot.objects.to_enqueue(now).order_by("due_at")[:SWEPT_AT_ONCE]))
    enqueue_idle_reanalyses()


def _ids(rows: QuerySet[Any]) -> list[int]:
    """Rows are changed one by one: updates of several could wait for each other."""
    return list(rows.values_list("pk", flat=True))


def enqueue(snapshot_ids: Iterable[int]) -> None:
    """Send the tasks, but none that another process just sent. With the broker down, the rows wait for the sweep."""
    _send(analyse_snapshot, Snapshot.objects, snapshot_ids)


def enqueue_idle_reanalyses() -> None:
    """Unless new photos wait: they come first, and whoever analyses the last of them calls this again."""
    now = timezone.now()
    if (idle := _ids(Reanalysis.objects.to_enqueue(now))) and not Snapshot.objects.claimable(now).exists():
        enqueue_reanalyses(idle)


def enqueue_reanalyses(reanalysis_ids: Iterable[int]) -> None:
    """As `enqueue`."""
    _send(go_on_reanalysing, Reanalysis.objects, reanalysis_ids)


def _send(task: Any, rows: Any, ids: Iterable[int]) -> None:
    for row_id in ids:
        now = timezone.now()
        if not rows.to_enqueue(now).filter(pk=row_id).update(enqueued_at=now):
            continue
        try:
            task.apply_async((row_id,), time_limit=None)  # without a limit in the message the worker's own holds
        except Exception as error:  # each broker has errors of its own
            logger.warning(
                "%s %s waits for the sweep: the broker cannot be reached (%s)", rows.model.__name__, row_id, error
            )
            rows.filter(pk=row_id).update(enqueued_at=None)
            return  # rather than wait for the broker's time-out once more
