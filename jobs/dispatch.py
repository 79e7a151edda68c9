"""Send messages that there is work, and do the work.

A message names no row: the database knows what is to be done and what comes first. So a few messages
in each queue are enough, however many rows wait, and it does no harm when one is lost or delivered twice.
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

# So many messages in a queue are enough: whoever takes one sends the next while work is left. More than one, because
# a worker may die with the message it took. Senders that count at the same moment may each add one more.
ENOUGH = 4

Claim = TypeVar("Claim")


@dataclass(frozen=True, slots=True)
class Line(Generic[Claim]):
    """Rows of one kind that wait in the database, and the task whose messages say so."""

    task: Any
    waits: Callable[[], bool]  # whether anything could be claimed now
    claim_next: Callable[[], Claim | None]  # the most urgent
    do: Callable[[Claim], None]

    def go_on(self, seconds: float) -> None:
        """Do what is most urgent, again and again, until nothing is left or the time slice ends.

        Sends a message for another worker at the beginning and for the rest at the end, while work is left.
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
    """Send the task, unless enough of its queue's messages wait. With the broker down, the sweep does so later."""
    queue = app.amqp.router.route({}, task.name)["queue"].name
    try:
        with app.producer_or_acquire() as producer:
            if producer.channel._size(queue) < ENOUGH:
                # Without a limit in the message, the worker's own holds.
                task.apply_async(producer=producer, time_limit=None)
    except Exception as error:  # each broker has errors of its own
        logger.warning("Work in %s waits for the sweep: the broker cannot be reached (%s)", queue, error)


def announce_on_commit(task: Any) -> None:
    transaction.on_commit(partial(announce, task), robust=True)
