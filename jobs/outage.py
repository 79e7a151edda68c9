"""Notice that the database is out of reach, and keep the work of that time."""

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import psycopg
from celery.exceptions import Reject
from django.db import Error, InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

RETRY_AFTER = 10  # seconds; about what a database takes to start again
PAUSE = 1.0  # seconds that a worker waits, so that its task does not go round and round
UNAVAILABLE = (OperationalError, InterfaceError)
SQLSTATES_OF_A_LOST_CONNECTION = ("08", "57P")

Parameters = ParamSpec("Parameters")


def connection_lost(error: BaseException) -> bool:
    """Whether the error comes from a database that went away, and not from what it was asked.

    The connection alone does not say so: at the end of a transaction that broke, Django opens another.
    """
    return isinstance(error, Error) and (not connection.is_usable() or _broke_off(error.__cause__))


def _broke_off(cause: BaseException | None) -> bool:
    """By PostgreSQL's SQLSTATE: of class 08 or from a server that shuts down, or none as nobody answered."""
    if not isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(SQLSTATES_OF_A_LOST_CONNECTION)


def outlasting_outages(work: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Around a task: without its database it knows nothing of what is to be done, so its message stays in the queue.

    Otherwise the workers would take and drop all messages in no time, and each row would wait for the sweep.
    """

    @wraps(work)
    def task(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            work(*args, **kwargs)
        except Error as error:
            if not connection_lost(error):
                raise
            logger.warning("%s%s waits for the database: %s", work.__name__, args, error)
            time.sleep(PAUSE)
            raise Reject(error, requeue=True) from error

    return task
