"""What waits in the broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from jobs.celery import app

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


def purge(queue: str) -> None:
    """Raises as `broker`."""
    with broker() as channel:
        channel.queue_purge(queue)
