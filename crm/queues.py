"""What waits in the broker."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from crm.celery import app

logger = logging.getLogger(__name__)

TIME_LIMIT = 2.0  # seconds for each answer of Redis; a worker's own connection may wait for longer


@contextmanager
def broker() -> Iterator[Any]:
    """A channel of a new connection to the broker, for a moment. Raises whatever its library does when it is down."""
    options = app.conf.broker_transport_options
    if "socket_timeout" in options:
        options = {**options, "socket_connect_timeout": TIME_LIMIT, "socket_timeout": TIME_LIMIT}
    with app.connection_for_write(transport_options=options) as connection:
        yield connection.default_channel


def waiting_messages() -> dict[str, int]:
    """How many messages wait in each queue. Raises as `broker`."""
    with broker() as channel:
        return {queue.name: channel._size(queue.name) for queue in settings.CELERY_TASK_QUEUES}


def room(queue: str, most: int) -> int:
    """How many messages may be added until `most` wait in the queue: none while the broker cannot be reached."""
    try:
        waiting = waiting_messages()[queue]
    except Exception as error:  # each broker has errors of its own
        logger.warning("Nothing is added to %s: the broker cannot be reached (%s)", queue, error)
        return 0
    return max(0, most - waiting)


def purge(queue: str) -> None:
    """Raises as `broker`."""
    with broker() as channel:
        channel.queue_purge(queue)
