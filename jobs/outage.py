"""Detect that the database is unreachable, and keep messages in the queue until it is back."""

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import psycopg
from celery.exceptions import Reject
from django.db import Error, InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

RETRY_AFTER = 10  # A database takes about this many seconds to restart.
PAUSE = 1.0  # A worker waits this many seconds, so that it does not retry in a tight loop.
UNAVAILABLE = (OperationalError, InterfaceError)
SQLSTATES_OF_A_LOST_CONNECTION = ("08", "57P")

Parameters = ParamSpec("Parameters")


def connection_lost(error: BaseException) -> bool:
    """Return whether the error means that the database is unreachable, rather than that a query was wrong.

    Checking the connection is not enough, because Django opens a new one at the end of a broken transaction.
    """
    return isinstance(error, Error) and (not connection.is_usable() or _broke_off(error.__cause__))


def _broke_off(cause: BaseException | None) -> bool:
    """Return whether PostgreSQL's SQLSTATE is missing (no answer), or means a lost connection or a shutdown."""
    if not isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(SQLSTATES_OF_A_LOST_CONNECTION)


def outlasting_outages(work: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Decorate a task so that its message stays in the queue while the database is unreachable.

    Otherwise workers would quickly take and drop all messages, and every row would wait for the sweep.
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
