"""Read the status page, with at most a dozen cheap queries however many photos and workers there are."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max
from django.utils import timezone
from django.utils.timesince import timesince

from emotions.analysis.queries import oldest_wait
from emotions.model_versions.services import active_model
from emotions.snapshots.models import Snapshot
from emotions.status.services import analysis_problem
from jobs.models import WorkerHeartbeat
from jobs.queues import waiting_messages
from ml.errors import ModelUnavailable
from ml.registry import load_card

logger = logging.getLogger(__name__)

DAY = timedelta(days=1)
REASONS_SHOWN = 10
WORKERS_SHOWN = 200
QUEUE_TITLES = {
    "celery": "New photos",
    "reanalysis": "Re-analyses",
    "sweep": "Sweep",
    "jobs": "Other jobs",
    "webhooks": "Deliveries to webhooks",
    "webhooks-sweep": "Sweep by the workers of deliveries",
}


@dataclass(frozen=True, slots=True)
class Queue:
    name: str
    messages: int | None  # None when the broker cannot be reached
    workers: int  # how many workers take from it and are not overdue

    @property
    def title(self) -> str:
        return QUEUE_TITLES.get(self.name, self.name)


@dataclass(frozen=True, slots=True)
class Worker:
    row: WorkerHeartbeat
    age: str

    @property
    def queues(self) -> list[str]:
        return self.row.queues.split(",")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why photos failed in the last day."""

    error: str
    photos: int
    newest: datetime


@dataclass(frozen=True, slots=True)
class StatusPage:
    now: datetime
    since: datetime  # one day before `now`
    queues: tuple[Queue, ...]
    oldest: str  # for how long the oldest waiting photo has been due; empty when none waits
    waiting: int
    workers: tuple[Worker, ...]
    model: str
    results: tuple[tuple[str, int], ...]  # name and number of each result of the last day
    reasons: tuple[Reason, ...]

    @property
    def broker_is_down(self) -> bool:
        return any(queue.messages is None for queue in self.queues)

    @property
    def failures(self) -> int:
        return dict(self.results).get(Snapshot.Status.FAILED.label, 0)


def status_page() -> StatusPage:
    now = timezone.now()
    workers = _workers(now)
    oldest = oldest_wait()
    finished = Snapshot.objects.filter(finished_at__gte=now - DAY)
    return StatusPage(
        now=now,
        since=now - DAY,
        queues=_queues(workers),
        oldest="" if oldest is None else in_words(oldest),
        waiting=Snapshot.objects.waiting().count(),
        workers=tuple(workers),
        model=_active_model(),
        results=_results(dict(finished.order_by().values_list("status").annotate(Count("pk")))),
        reasons=tuple(
            Reason(*row)
            for row in finished.filter(status=Snapshot.Status.FAILED)
            .order_by()
            .values_list("error")
            .annotate(photos=Count("pk"), newest=Max("finished_at"))
            .order_by("-photos", "error")[:REASONS_SHOWN]
        ),
    )


def in_words(age: timedelta) -> str:
    """Return the age as people say it: "1 second", "3 minutes"."""
    seconds = int(age.total_seconds())
    if seconds < 60:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    now = timezone.now()
    return timesince(now - age, now).replace("\xa0", " ")


def _workers(now: datetime) -> list[Worker]:
    """Return the workers, without the overdue ones that another worker of the same name has replaced."""
    rows = list(WorkerHeartbeat.objects.all()[:WORKERS_SHOWN])
    alive = {row.name for row in rows if not row.is_overdue}
    return [
        Worker(row, in_words(now - row.last_seen_at)) for row in rows if not row.is_overdue or row.name not in alive
    ]


def _queues(workers: Sequence[Worker]) -> tuple[Queue, ...]:
    messages: dict[str, int | None]
    try:
        messages = dict(waiting_messages())
    except Exception as error:  # each broker raises its own errors
        logger.warning("The broker cannot be reached: %s", error)
        messages = dict.fromkeys(QUEUE_TITLES)
    alive = [worker for worker in workers if not worker.row.is_overdue]
    return tuple(Queue(name, count, sum(name in worker.queues for worker in alive)) for name, count in messages.items())


def _active_model() -> str:
    """Return name and version; empty if its files are gone or altered, which a line on every page says."""
    if analysis_problem():
        return ""
    active = active_model()
    try:
        card = load_card(active.folder, active.models_dir)
    except ModelUnavailable:
        return ""
    return f"{card.name} {card.version}"


def _results(counts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    """Return the number of each final status, 0 included, in the order in which they are declared."""
    final: Iterable[Snapshot.Status] = (each for each in Snapshot.Status if each not in Snapshot.UNFINISHED)
    return tuple((status.label, counts.get(status, 0)) for status in final)
