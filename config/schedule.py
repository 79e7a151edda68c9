"""Say in which queue each task waits and which tasks are repeated. config.settings imports this module."""

from typing import Any

from kombu import Queue

HOUR = 3600  # seconds

# The sweep has a queue of its own, so that it does not wait behind a thousand photos. So have re-analyses, which make
# way for new photos by themselves (emotions/reanalyses/worker.py), and webhooks, so that a slow receiver delays no
# photo. Kinds of work without a task of their own share one (jobs/kinds.py). A worker without --queues takes from all.
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
        # To the workers of webhooks too, so that either workers replace lost messages while the others are down.
        "sweep-by-webhook-workers": _every(sweep_interval, "jobs.tasks.sweep", queue="webhooks-sweep"),
        "forget-old-requests": _every(HOUR, "crm.api.tasks.forget_old_requests"),
        "forget-gone-workers": _every(HOUR, "jobs.tasks.forget_gone_workers"),
        "delete-stray-files": _every(HOUR, "emotions.snapshots.tasks.delete_stray_files"),
        "forget-old-messages": _every(HOUR, "crm.webhooks.tasks.forget_old_messages"),
    }


def _every(seconds: int, task: str, **options: str) -> dict[str, Any]:
    """Repeat the task, and drop a message that no worker took before the next one."""
    return {"task": task, "schedule": seconds, "options": {"expires": seconds, **options}}
