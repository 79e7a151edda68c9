"""Celery's entry points. Each takes an ID and may be run twice."""

from collections.abc import Iterable
from typing import Any

from celery import shared_task
from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from crm import queues
from crm.dispatch import send
from crm.outage import outlasting_outages
from emotions import stray_files
from emotions.metrics import count_given_up
from emotions.models import Reanalysis, Snapshot
from emotions.models.snapshot import GIVEN_UP

# So many messages wait at most for the sweep to add some: about what two workers do between two sweeps. What workers
# have not got to for long would otherwise be enqueued again and again, faster than slow ones look through it.
KEPT_BUSY_BY = 250
STRAY_FILES_SECONDS = 10.0


@shared_task
@outlasting_outages
def analyse_snapshot(snapshot_id: int) -> None:
    """This one, unless it makes way for another that waits: then that one, and this one's message goes to the end."""
    from emotions import analysis  # web processes import this module and must not load the pipeline

    urgent = Snapshot.objects.ahead_of(snapshot_id)
    analysis.analyse(snapshot_id if urgent is None else urgent)
    if urgent is not None:
        Snapshot.objects.claimable(timezone.now()).filter(pk=snapshot_id).update(enqueued_at=None)
        enqueue([snapshot_id])
    enqueue_idle_reanalyses()


@shared_task
@outlasting_outages
def go_on_reanalysing(reanalysis_id: int) -> None:
    from emotions import rerun  # as above

    rerun.go_on(reanalysis_id)
    enqueue_idle_reanalyses()


@shared_task
def sweep_snapshots() -> None:
    """Give up what cannot be analysed, and enqueue what no message stands for any more, as far as workers lack work."""
    now = timezone.now()
    for snapshot_id in _ids(Snapshot.objects.worn_out(now)):
        count_given_up(Snapshot.objects.worn_out(now).filter(pk=snapshot_id).fail(GIVEN_UP))
    room = queues.room(settings.CELERY_TASK_DEFAULT_QUEUE, KEPT_BUSY_BY)
    enqueue(_ids(Snapshot.objects.to_enqueue(now).order_by("makes_way", "due_at")[:room]))
    enqueue_idle_reanalyses()


@shared_task
def delete_stray_files(after: str = "") -> None:
    """For a while, and then by another message from there on: who completes no task for long counts as deaf."""
    if reached := stray_files.delete_stray_files_for(STRAY_FILES_SECONDS, after):
        delete_stray_files.delay(reached)


def _ids(rows: QuerySet[Any]) -> list[int]:
    """Rows are changed one by one: updates of several could wait for each other."""
    return list(rows.values_list("pk", flat=True))


def enqueue(snapshot_ids: Iterable[int]) -> None:
    """Send the tasks, but none that another process just sent. With the broker down, the rows wait for the sweep."""
    send(analyse_snapshot, Snapshot.objects, snapshot_ids)


def enqueue_idle_reanalyses() -> None:
    """Unless new photos wait: they come first, and whoever analyses the last of them calls this again."""
    now = timezone.now()
    if (idle := _ids(Reanalysis.objects.to_enqueue(now))) and not Snapshot.objects.claimable(now).exists():
        enqueue_reanalyses(idle)


def enqueue_reanalyses(reanalysis_ids: Iterable[int]) -> None:
    """As `enqueue`."""
    send(go_on_reanalysing, Reanalysis.objects, reanalysis_ids)
