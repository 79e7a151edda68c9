"""Define the Celery tasks of the job queue itself. Running one twice does no harm."""

import logging

from celery import shared_task
from django.utils import timezone

from jobs.kinds import every_kind
from jobs.models import WorkerHeartbeat
from jobs.queues import purge

logger = logging.getLogger(__name__)


@shared_task
def sweep() -> None:
    """Replace lost messages of all kinds of work, and fail work whose last attempt was abandoned."""
    for kind in every_kind():
        try:
            kind.sweep()
        except Exception:  # One kind's error must not keep the others from being swept.
            logger.exception("The sweep of %s failed", kind.title)


@shared_task
def heartbeat() -> None:
    """Do nothing. Completing this task shows that the worker is alive (jobs/health/heartbeat.py)."""


@shared_task
def forget_gone_workers() -> None:
    """Delete the rows and queues of workers that have not been seen for a day."""
    for queue in list(WorkerHeartbeat.objects.long_gone(timezone.now()).values_list("pk", flat=True)):
        purge(queue)  # Nobody takes the last message any more.
        WorkerHeartbeat.objects.long_gone(timezone.now()).filter(pk=queue).delete()
