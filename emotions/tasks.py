"""Celery's entry points. Each takes an ID and may be run twice."""

import logging

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from emotions.models import Snapshot
from emotions.models.snapshot import GIVEN_UP

logger = logging.getLogger(__name__)

SWEPT_AT_ONCE = 1000


@shared_task
def analyse_snapshot(snapshot_id: int) -> None:
    from emotions import analysis  # web processes import this module and must not load the pipeline

    analysis.analyse(snapshot_id)


@shared_task
def sweep_snapshots() -> None:
    """Give up what cannot be analysed, and enqueue whatever no message stands for any more."""
    now = timezone.now()
    Snapshot.objects.worn_out(now).fail(GIVEN_UP)
    for snapshot_id in Snapshot.objects.to_enqueue(now).values_list("pk", flat=True)[:SWEPT_AT_ONCE]:
        enqueue(snapshot_id)


def enqueue(snapshot_id: int) -> None:
    """Send the task unless another process just did. With the broker down, the row waits for the sweep."""
    now = timezone.now()
    if not Snapshot.objects.to_enqueue(now).filter(pk=snapshot_id).update(enqueued_at=now):
        return
    try:
        analyse_snapshot.delay(snapshot_id)
    except (OperationalError, OSError) as error:
        logger.warning("Snapshot %s waits for the sweep: the broker cannot be reached (%s)", snapshot_id, error)
        Snapshot.objects.filter(pk=snapshot_id).update(enqueued_at=None)
