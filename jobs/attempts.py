"""Decide what each kind of error does to the work that a worker holds. All kinds of work use it."""

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
    """What an error did to the work: FAILED for good, or WAITING for the next attempt; None without an error."""

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
    """Surround the work on a claimed row. The block itself says how the work ends when all goes well.

    | error | what happens |
    | --- | --- |
    | one of `input_errors` | the work fails; the error's text tells people what is wrong with the input |
    | ConnectionError, as of a storage | the work waits; the attempt does not count |
    | the database went away | the attempt does not count; if even that cannot be stored, the lease runs out. Raises |
    | ClaimLost | nothing: another worker took the work over, or somebody ended it |
    | one of `interruptions`, or any other | the work waits, each time for longer, and fails after the last attempt |
    | the process is killed | the lease runs out, and the attempt counts |

    `interruptions` are expected now and then: they are logged without a traceback. `about` names the work in the log.
    `fail` fails the row that it is given, and says so wherever else it matters.
    """
    this, held, about = Attempt(), work.held(), about or str(work)
    try:
        yield this
    except ClaimLost:
        logger.info("%s is not held by this worker any more", about)
    except input_errors as error:
        fail(held, str(error))
        this.ended_as = State.FAILED
    except interruptions as error:  # before ConnectionError, of which one may be a kind
        logger.warning("%s broke off. %s", about, error)
        this.ended_as = _release_or_fail(work, held, fail)
    except ConnectionError as error:
        logger.warning("%s waits. %s", about, error)
        held.release(work.pause(), attempt_counts=False)
        this.ended_as = State.WAITING
    except Exception as error:
        if connection_lost(error):
            connection.close()  # the next query opens another
            held.release(attempt_counts=False)
            raise
        logger.exception("%s failed", about)
        this.ended_as = _release_or_fail(work, held, fail)


def _release_or_fail(work: Work, held: WorkQuerySet[Any], fail: Callable[[Any, str], int]) -> State:
    """Return the work to the queue for longer each time, or fail it after its last attempt."""
    if work.is_last_attempt:
        fail(held, work.GIVEN_UP)
        return State.FAILED
    held.release(work.retry_delay(work.attempts))
    return State.WAITING
