"""Assign tasks to queues and schedule the repeated ones. config.settings imports this module."""

from typing import Any

from kombu import Queue

HOUR = 3600  # In seconds, as Celery expects intervals.

# The sweep has a queue of its own, so that it does not wait behind a thousand photos. Webhooks have one, so that a
# slow receiver delays no photo. Re-analyses have one too; they let new photos go first (emotions/reanalyses/worker.py).
# Kinds of work without a task of their own share a queue (jobs/kinds.py). A worker without --queues takes from all.
QUEUES = tuple(map(Queue, ("celery", "sweep", "reanalysis", "jobs", "webhooks", "webhooks-sweep")))
DEFAULT_QUEUE = "celery"
ROUTES = {
    "emotions.reanalyses.tasks.go_on_reanalysing": {"queue": "reanalysis"},
    "crm.webhooks.tasks.deliver_webhooks": {"queue": "webhooks"},
    "crm.webhooks.tasks.forget_old_messages": {"queue": "webhooks-sweep"},
    "jobs.kinds.do_jobs": {"queue": "jobs"},
    "jobs.tasks.sweep": {"queue": "sweep"},
    "crm.api.tasks.forget_old_requests": {"queue": "sweep"},
    "jobs.tasks.forget_gone_workers": {"queue": "sweep"},
    "emotions.snapshots.tasks.delete_stray_files": {"queue": "sweep"},
}


def schedule(sweep_interval: int) -> dict[str, Any]:
    """Return Celery's beat schedule; the interval is in seconds."""
    return {
        "sweep": _every(sweep_interval, "jobs.tasks.sweep"),
        # Webhook workers sweep too, so that lost messages are replaced while the other workers are down.
        "sweep-by-webhook-workers": _every(sweep_interval, "jobs.tasks.sweep", queue="webhooks-sweep"),
        "forget-old-requests": _every(HOUR, "crm.api.tasks.forget_old_requests"),
        "forget-gone-workers": _every(HOUR, "jobs.tasks.forget_gone_workers"),
        "delete-stray-files": _every(HOUR, "emotions.snapshots.tasks.delete_stray_files"),
        "forget-old-messages": _every(HOUR, "crm.webhooks.tasks.forget_old_messages"),
    }


def _every(seconds: int, task: str, **options: str) -> dict[str, Any]:
    """Return a schedule entry. A message expires if no worker has taken it when the next one is sent."""
    return {"task": task, "schedule": seconds, "options": {"expires": seconds, **options}}
