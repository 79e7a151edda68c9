"""Send messages that say there is work, and do the work.

A message names no row, because the database knows which work is waiting and which is most urgent. A few
messages in each queue are therefore enough, and losing or repeating one does no harm.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from django.db import transaction

from jobs.celery import app

logger = logging.getLogger(__name__)

# This many messages in a queue are enough, because a worker that takes one sends the next while work is left. One
# would be too few, because a worker may die with it. Senders that count at the same moment may each add one more.
ENOUGH = 4

Claim = TypeVar("Claim")


@dataclass(frozen=True, slots=True)
class Line(Generic[Claim]):
    """Connect one kind of waiting rows with the task that does them."""

    task: Any
    waits: Callable[[], bool]  # Returns whether anything can be claimed now.
    claim_next: Callable[[], Claim | None]  # Claims the most urgent work.
    do: Callable[[Claim], None]

    def go_on(self, seconds: float) -> None:
        """Do the most urgent work, again and again, until none is left or the given seconds have passed.

        Send a message to another worker at the start, and one for the remaining work at the end.
        """
        ends = time.monotonic() + seconds
        claim = self.claim_next()
        if claim is None:
            return
        self.announce_rest()
        while claim is not None:
            self.do(claim)
            if time.monotonic() >= ends:
                self.announce_rest()
                return
            claim = self.claim_next()

    def announce_rest(self) -> None:
        if self.waits():
            announce(self.task)


def announce(task: Any) -> None:
    """Send the task, unless its queue holds enough messages. If the broker is down, the sweep sends it later."""
    queue = app.amqp.router.route({}, task.name)["queue"].name
    try:
        with app.producer_or_acquire() as producer:
            if producer.channel._size(queue) < ENOUGH:
                # The message carries no time limit, so the worker's own limit applies.
                task.apply_async(producer=producer, time_limit=None)
    except Exception as error:  # Each broker raises errors of its own.
        logger.warning("Work in %s waits for the sweep: the broker cannot be reached (%s)", queue, error)


def announce_on_commit(task: Any) -> None:
    transaction.on_commit(partial(announce, task), robust=True)
