"""Record each worker's heartbeat: a task that came through the broker and was completed by the worker's pool.

Each worker has a queue of its own. Every HEARTBEAT_INTERVAL seconds, jobs/health/watch.py puts a message
there, so that an idle worker has a task to complete. Any other completed task counts as much, so a busy
worker need not reach that message in time.
"""

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery.signals import celeryd_after_setup, task_postrun, worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import DatabaseError, connection
from kombu import Queue

from jobs.health import metrics
from jobs.health.watch import Watch
from jobs.models import WorkerHeartbeat
from jobs.queues import purge

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ThisWorker:
    """Describe this worker. Its main process and its pool both know it, because the pool is forked."""

    name: str  # Celery's node name.
    pid: int
    queue: str  # Only this worker takes tasks from it.
    queues: tuple[str, ...]  # The worker takes tasks from these queues too.
    processes: int  # A pool of threads counts its threads here.

    @property
    def file(self) -> Path:
        """Return the file that was last modified when a task was completed. jobs/health/workers.py reads it."""
        return settings.HEARTBEATS_DIR / self.name


class _State:
    this: ThisWorker | None = None
    watch: Watch | None = None
    recorded_at = float("-inf")  # Monotonic seconds, separate in each process of the pool.
    describe: Callable[[], str] = str


def describe_by(function: Callable[[], str]) -> None:
    """Set what heartbeats store as `works_with`, such as a model. The pool's processes call the function."""
    _State.describe = staticmethod(function)


def connect() -> None:
    celeryd_after_setup.connect(_set_up, dispatch_uid="jobs.health.heartbeat.set_up")
    worker_ready.connect(_begin, dispatch_uid="jobs.health.heartbeat.begin")
    task_postrun.connect(_completed, dispatch_uid="jobs.health.heartbeat.completed")
    worker_shutting_down.connect(_end, dispatch_uid="jobs.health.heartbeat.end")
    worker_shutdown.connect(_forget, dispatch_uid="jobs.health.heartbeat.forget")


def _set_up(sender: str, instance: Any, **_: Any) -> None:
    """Add a queue that only this worker listens to. Celery calls this before it forks the pool."""
    queues = instance.app.amqp.queues
    _State.this = this = ThisWorker(
        name=sender,
        pid=os.getpid(),
        queue=f"heartbeat.{sender}.{os.getpid()}",
        queues=tuple(queues.consume_from),
        processes=instance.concurrency,
    )
    # An undeclared queue leaves only its last message behind in the broker.
    queues.select_add(Queue(this.queue, routing_key=this.queue, no_declare=True))
    this.file.parent.mkdir(parents=True, exist_ok=True)
    this.file.unlink(missing_ok=True)


def _begin(sender: Any, **_: Any) -> None:
    if _State.this:
        _State.watch = Watch(_State.this.queue, _State.this.file, sender.pool)
        _State.watch.start()
    metrics.serve()


def _completed(**_: Any) -> None:
    """Record a heartbeat. Celery calls this in the pool's process that completed a task."""
    this = _State.this
    if this is None:
        return
    try:
        _touch(this)
    except OSError as error:
        logger.warning("The heartbeat cannot be written into %s: %s", this.file, error)
    if time.monotonic() - _State.recorded_at < settings.HEARTBEAT_INTERVAL / 2:
        return
    _State.recorded_at = time.monotonic()
    try:
        WorkerHeartbeat.objects.record(
            queue=this.queue,
            name=this.name,
            pid=this.pid,
            queues=",".join(this.queues),
            processes=this.processes,
            works_with=_State.describe(),
        )
    except DatabaseError as error:
        logger.warning("The heartbeat cannot be stored: %s", error)


def _touch(this: ThisWorker) -> None:
    try:
        os.utime(this.file)
    except FileNotFoundError:
        this.file.write_text(json.dumps({"limit": settings.HEARTBEAT_LIMIT}))


def _end(**_: Any) -> None:
    if _State.watch:
        _State.watch.end()


def _forget(**_: Any) -> None:
    """Delete the heartbeat of a worker that ends as intended, so that nobody reports it as missing."""
    _end()
    this = _State.this
    if this is None or this.pid != os.getpid():
        return
    this.file.unlink(missing_ok=True)
    try:
        WorkerHeartbeat.objects.filter(queue=this.queue).delete()
        connection.close()
        purge(this.queue)
    except Exception as error:  # When the database or the broker is down, `forget_gone_workers` cleans up later.
        logger.info("The heartbeat of %s is left to the sweep: %s", this.name, error)
