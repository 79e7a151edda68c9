from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

FORGOTTEN_AFTER = timedelta(days=1)


class WorkerHeartbeatQuerySet(models.QuerySet["WorkerHeartbeat"]):
    def record(self, queue: str, **about: Any) -> None:
        """Record that the worker with this queue has just completed a task."""
        now = timezone.now()
        if not self.filter(queue=queue).update(last_seen_at=now, **about):
            self.update_or_create(queue=queue, defaults={"last_seen_at": now, **about})

    def long_gone(self, now: datetime) -> WorkerHeartbeatQuerySet:
        return self.filter(last_seen_at__lt=now - FORGOTTEN_AFTER)


class WorkerHeartbeat(models.Model):
    """Store when a worker last completed a task. A worker that ends as intended deletes its row."""

    queue = models.CharField(max_length=255, primary_key=True, help_text="The worker's own, of its heartbeats.")
    name = models.CharField(max_length=255, help_text="As Celery names it.")
    pid = models.PositiveIntegerField()
    queues = models.TextField(help_text="From which it takes tasks, separated by commas.")
    processes = models.PositiveIntegerField(help_text="Or threads.")
    works_with = models.CharField(max_length=255, blank=True, help_text="The model that is loaded.")
    started_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField()

    objects = WorkerHeartbeatQuerySet.as_manager()

    class Meta:
        ordering = ("name", "queue")
        default_permissions = ()
        permissions = (
            ("view_status", "Can see whether queues and workers are well"),
            ("view_work", "Can see the jobs of all members of staff"),
            ("change_work", "Can retry and cancel the jobs of all members of staff"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def is_overdue(self) -> bool:
        return timezone.now() - self.last_seen_at > timedelta(seconds=settings.HEARTBEAT_LIMIT)
