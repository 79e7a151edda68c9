"""Send a worker its heartbeats, and end it when the broker answers but no task reaches the worker any more.

A Redis client becomes deaf like this when its connection dies silently, for example because a firewall
dropped it. The worker exits with a failure status, so that its supervisor starts another.
"""

import logging
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

from celery.worker import state
from django.conf import settings

from jobs.celery import app
from jobs.queues import broker

logger = logging.getLogger(__name__)

GRACE = 10.0  # The worker has this many seconds to end by itself. No task has been running for long.
FAILURE = 1


class Watch(Thread):
    """Watch the worker from a thread of its main process, because the event loop itself may hang."""

    def __init__(self, queue: str, file: Path, pool: Any) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._queue, self._file, self._pool = queue, file, pool
        self._told = False
        self._ended = Event()
        self._seen: tuple[int, int] | None = None
        self._quiet_since = time.monotonic()

    def end(self) -> None:
        """Stop watching, because the worker is ending.

        Signal handlers call this. A second signal during the first would otherwise wait forever for the
        event's lock.
        """
        if not self._told:
            self._told = True
            self._ended.set()

    def run(self) -> None:
        while not self._ended.is_set():
            self._send()
            if self._is_deaf():
                self._replace()
            self._ended.wait(settings.HEARTBEAT_INTERVAL)

    def _send(self) -> None:
        """Send a heartbeat. Delete the last one first, so that at most one message waits."""
        from jobs.tasks import heartbeat  # This imports models, which load after this module.

        try:
            with broker() as channel:
                channel.queue_purge(self._queue)
                heartbeat.apply_async(queue=self._queue, producer=app.amqp.Producer(channel))
        except Exception as error:  # Each broker raises errors of its own.
            logger.warning("No heartbeat can be sent: the broker cannot be reached (%s)", error)
            self._quiet_since = time.monotonic()  # The worker is not deaf while the broker is down.

    def _is_deaf(self) -> bool:
        signs = self._signs()
        if signs != self._seen:
            self._seen, self._quiet_since = signs, time.monotonic()
        return time.monotonic() - self._quiet_since > settings.HEARTBEAT_LIMIT

    def _signs(self) -> tuple[int, int]:
        """Return when a task was last completed and how many were started.

        Starts count too, because a task that is killed at its time limit is never completed.
        """
        completed = 0
        with suppress(OSError):
            completed = self._file.stat().st_mtime_ns
        return completed, state.all_total_count[0]

    def _replace(self) -> None:
        quiet = time.monotonic() - self._quiet_since
        logger.error(
            "This worker has gone deaf: the broker answers, but no task has come through for %.0f seconds. It ends, so"
            " that another takes its place.",
            quiet,
        )
        state.should_stop = FAILURE  # type: ignore[assignment]  # The worker exits with this status.
        if not self._ended.wait(GRACE):
            self._kill()

    def _kill(self) -> None:
        logger.error("The deaf worker does not end by itself and is killed.")
        for pid in self._pool.info.get("processes", []):
            with suppress(OSError, TypeError):
                os.kill(pid, signal.SIGKILL)
        os._exit(FAILURE)
