"""Decide what each kind of error does to the work that a worker holds. Every kind of work uses this."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from jobs.outage import connection_lost
from jobs.work import ClaimLost, State, Work, WorkQuerySet

logger = logging.getLogger(__name__)

Errors = tuple[type[Exception], ...]


class Attempt:
    """Record what an error did to the work: FAILED for good, WAITING for the next attempt, or None without an error."""

    ended_as: State | None = None


@contextmanager
def attempt(
    work: Work,
    *,
    fail: Callable[[Any, str], int] = WorkQuerySet.fail,
    about: str = "",
    input_errors: Errors = (),
    interruptions: Errors = (),
) -> Iterator[Attempt]:
    """Run an attempt at a claimed row and handle its errors. On success, the block itself stores how the work ended.

    | error | what happens |
    | --- | --- |
    | one of `input_errors` | the work fails; the error's text explains to people what is wrong with the input |
    | ConnectionError, for example from a storage | the work waits; the attempt does not count |
    | the database is unreachable | raised again; the attempt does not count if that can still be stored |
    | ClaimLost | nothing, because another worker took the work over or somebody ended it |
    | one of `interruptions`, or any other | the work waits, longer each time, and fails after the last attempt |
    | the process is killed | the lease runs out, and the attempt counts |

    `interruptions` are expected occasionally, so they are logged without a traceback. `about` names the work
    in the log. `fail` fails the rows that it is given, and updates everything that depends on them.
    """
    this, held, about = Attempt(), work.held(), about or str(work)
    try:
        yield this
    except ClaimLost:
        logger.info("%s is not held by this worker any more", about)
    except input_errors as error:
        fail(held, str(error))
        this.ended_as = State.FAILED
    except interruptions as error:  # This comes first, because an interruption may be a ConnectionError.
        logger.warning("%s broke off. %s", about, error)
        this.ended_as = _release_or_fail(work, held, fail)
    except ConnectionError as error:
        logger.warning("%s waits. %s", about, error)
        held.release(work.pause(), attempt_counts=False)
        this.ended_as = State.WAITING
    except Exception as error:
        if connection_lost(error):
            connection.close()  # The next query opens a new one.
            held.release(attempt_counts=False)
            raise
        logger.exception("%s failed", about)
        this.ended_as = _release_or_fail(work, held, fail)


def _release_or_fail(work: Work, held: WorkQuerySet[Any], fail: Callable[[Any, str], int]) -> State:
    """Return the work to the queue, with a longer delay each time, or fail it after its last attempt."""
    if work.is_last_attempt:
        fail(held, work.GIVEN_UP)
        return State.FAILED
    held.release(work.retry_delay(work.attempts))
    return State.WAITING
