"""Celery entry points of the job queue itself. Each may be run twice."""

from celery import shared_task
from django.utils import timezone

from jobs.models import WorkerHeartbeat
from jobs.queues import purge


@shared_task
def heartbeat() -> None:
    """Do nothing: that a worker completes it is what counts (jobs/health/heartbeat.py)."""


@shared_task
def forget_gone_workers() -> None:
    """Delete the rows and queues of workers that were last seen a day ago."""
    for queue in list(WorkerHeartbeat.objects.long_gone(timezone.now()).values_list("pk", flat=True)):
        purge(queue)  # of the last message, which nobody took
        WorkerHeartbeat.objects.long_gone(timezone.now()).filter(pk=queue).delete()
