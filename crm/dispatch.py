"""How rows that wait get a message in the broker: the database knows what is to be done, messages only hurry it."""

import logging
from collections.abc import Iterable
from typing import Any

from django.utils import timezone

logger = logging.getLogger(__name__)


def send(task: Any, rows: Any, ids: Iterable[int]) -> None:
    """Send the task for each row, but none that another process just sent. With the broker down, rows wait for a sweep.

    `rows` is a manager whose `to_enqueue(now)` gives those that no message stands for, and whose `enqueued_at` says
    since when one does.
    """
    for row_id in ids:
        now = timezone.now()
        if not rows.to_enqueue(now).filter(pk=row_id).update(enqueued_at=now):
            continue
        try:
            task.apply_async((row_id,), time_limit=None)  # without a limit in the message the worker's own holds
        except Exception as error:  # each broker has errors of its own
            logger.warning(
                "%s %s waits for the sweep: the broker cannot be reached (%s)", rows.model.__name__, row_id, error
            )
            rows.filter(pk=row_id).update(enqueued_at=None)
            return  # rather than wait for the broker's time-out once more
