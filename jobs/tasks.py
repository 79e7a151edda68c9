"""Celery entry points of the job queue itself. Each may be run twice."""

import logging

from celery import shared_task
from django.utils import timezone

from jobs.kinds import every_kind
from jobs.models import WorkerHeartbeat
from jobs.queues import purge

logger = logging.getLogger(__name__)


@shared_task
def sweep() -> None:
    """Replace lost messages of all kinds of work, and fail work that broke every attempt."""
    for kind in every_kind():
        try:
            kind.sweep()
        except Exception:  # the other kinds must not wait for this one
            logger.exception("The sweep of %s failed", kind.title)


@shared_task
def heartbeat() -> None:
    """Do nothing: that a worker completes it is what counts (jobs/health/heartbeat.py)."""


@shared_task
def forget_gone_workers() -> None:
    """Delete the rows and queues of workers that were last seen a day ago."""
    for queue in list(WorkerHeartbeat.objects.long_gone(timezone.now()).values_list("pk", flat=True)):
        purge(queue)  # of the last message, which nobody took
        WorkerHeartbeat.objects.long_gone(timezone.now()).filter(pk=queue).delete()
