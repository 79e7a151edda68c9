"""Sends a worker its heartbeats, and ends it when it has gone deaf: no task reaches it from a broker that answers.

Redis clients go deaf when their connection dies without a word, as behind a firewall that forgets it. Whoever
supervises the worker starts another, so it ends with a status that is no success.
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

GRACE = 10.0  # seconds in which it may end by itself; no task has been under way for long
FAILURE = 1


class Watch(Thread):
    """In the worker's main process, beside its event loop, which may hang."""

    def __init__(self, queue: str, file: Path, pool: Any) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._queue, self._file, self._pool = queue, file, pool
        self._told = False
        self._ended = Event()
        self._seen: tuple[int, int] | None = None
        self._quiet_since = time.monotonic()

    def end(self) -> None:
        """The worker is ending: it need not listen any more.

        Called by handlers of signals. A second signal amid the first one's would wait for its lock for ever.
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
        """At most one message waits, however long nobody takes it."""
        from jobs.tasks import heartbeat  # its module asks for models, which are loaded after this one

        try:
            with broker() as channel:
                channel.queue_purge(self._queue)
                heartbeat.apply_async(queue=self._queue, producer=app.amqp.Producer(channel))
        except Exception as error:  # each broker has errors of its own
            logger.warning("No heartbeat can be sent: the broker cannot be reached (%s)", error)
            self._quiet_since = time.monotonic()  # nobody can hear anything

    def _is_deaf(self) -> bool:
        signs = self._signs()
        if signs != self._seen:
            self._seen, self._quiet_since = signs, time.monotonic()
        return time.monotonic() - self._quiet_since > settings.HEARTBEAT_LIMIT

    def _signs(self) -> tuple[int, int]:
        """When a task was last completed, and how many were begun: one that is killed for its time is not completed."""
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
        state.should_stop = FAILURE  # type: ignore[assignment]  # the status with which the worker ends
        if not self._ended.wait(GRACE):
            self._kill()

    def _kill(self) -> None:
        logger.error("The deaf worker does not end by itself and is killed.")
        for pid in self._pool.info.get("processes", []):
            with suppress(OSError, TypeError):
                os.kill(pid, signal.SIGKILL)
        os._exit(FAILURE)
