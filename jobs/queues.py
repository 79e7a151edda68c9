"""Count and delete the messages that wait in the broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from jobs.celery import app

TIME_LIMIT = 2.0  # Redis has this many seconds for each answer. A worker's own connection may wait longer.


@contextmanager
def broker() -> Iterator[Any]:
    """Open a short connection to the broker and yield a channel. Raises the library's own errors when it is down."""
    options = app.conf.broker_transport_options
    if "socket_timeout" in options:
        options = {**options, "socket_connect_timeout": TIME_LIMIT, "socket_timeout": TIME_LIMIT}
    with app.connection_for_write(transport_options=options) as connection:
        yield connection.default_channel


def waiting_messages() -> dict[str, int]:
    """Return how many messages wait in each queue, by its name. Raises the same errors as `broker`."""
    with broker() as channel:
        return {queue.name: channel._size(queue.name) for queue in settings.CELERY_TASK_QUEUES}


def purge(queue: str) -> None:
    """Delete all messages of a queue. Raises the same errors as `broker`."""
    with broker() as channel:
        channel.queue_purge(queue)
