"""Keep the list of the kinds of work. Each app registers its own in `ready()`.

A new kind of work takes three things:

1. A model: `class Import(Job)`, with `index_by_urgency` and `constraints_of_work` in its Meta and
   `objects = WorkQuerySet.as_manager()`. It may set its own `max_attempts`, `lease` and `retry_delay`.
2. A function: `def do_import(job: Import) -> bool`. It does a part that takes a few seconds, stores it, and returns
   whether the job is finished. `job.advance(10)` counts ten steps as done, and raises ClaimLost when somebody has
   cancelled the job. After an exception the job waits, and fails in the end (jobs/attempts.py). The function may be
   called twice for the same part.
3. A line in `ready()`: `kinds.register(Import, title="Imports", singular="Import", run=do_import)`.

Code that saves a row calls `kinds.of(Import).announce_on_commit()`. Claims, the sweep, retries and the job page then
work for the new kind.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from celery import shared_task
from django.utils import timezone

from jobs.attempts import attempt
from jobs.dispatch import Line, announce_on_commit
from jobs.outage import outlasting_outages
from jobs.work import Claim, State, Work, WorkQuerySet

logger = logging.getLogger(__name__)

SLICE = 1.0  # After this many seconds, a worker takes other messages too.
_kinds: dict[type[Work], Kind] = {}


@dataclass(frozen=True, slots=True)
class Kind:
    """Describe one kind of work for the sweep and the job page."""

    model: type[Work]
    title: str
    line: Line[Any]
    singular: str  # The job page calls one row this.
    started_by: str = "started_by"  # This lookup path leads from the row to a user.
    related: tuple[str, ...] = ()  # `address` reads these too (select_related).
    # Returns the address of the row's page, or "" if this person may not open it.
    address: Callable[[Any, Any], str] | None = None
    # Starts failed work again. Returns False when the work is not failed any more.
    retry: Callable[[Any], bool] | None = None
    # Ends unfinished work. Returns False when the work has already ended.
    cancel: Callable[[Any], bool] | None = None
    # Fails these rows with this error, and returns how many there were.
    fail: Callable[[Any, str], int] = WorkQuerySet.fail

    @property
    def name(self) -> str:
        return str(self.model._meta.model_name)

    @property
    def rows(self) -> WorkQuerySet[Any]:
        rows = self.model._default_manager.all()
        assert isinstance(rows, WorkQuerySet)  # noqa: S101 - for the type checker
        return rows

    def announce_on_commit(self) -> None:
        announce_on_commit(self.line.task)

    def sweep(self) -> None:
        """Replace lost messages, and fail work whose last attempt was abandoned."""
        now = timezone.now()
        # Update the rows one by one, because two updates of several rows could deadlock.
        for pk in list(self.rows.worn_out(now).values_list("pk", flat=True)):
            self.fail(self.rows.worn_out(now).filter(pk=pk), self.model.GIVEN_UP)
        self.line.announce_rest()


def register(
    model: type[Work],
    *,
    title: str,
    singular: str,
    run: Callable[[Any], bool] | None = None,
    line: Line[Any] | None = None,
    **options: Any,
) -> None:
    """Register a kind of work with either a function to run or a line of its own. See `Kind` for the options."""
    if run is not None:
        rows = model._default_manager.all()
        assert isinstance(rows, WorkQuerySet)  # noqa: S101 - for the type checker
        line = Line(task=do_jobs, waits=rows.all().waits, claim_next=rows.claim_next, do=partial(_do, model, run))
        options = {"retry": _retry, "cancel": _cancel} | options
    if line is None:
        raise TypeError(f"{model.__name__} needs a function to run or a line.")
    _kinds[model] = Kind(model, title, line, singular, **options)


def unregister(model: type[Work]) -> None:
    """Remove a kind of work again. Only tests need this."""
    del _kinds[model]


def every_kind() -> tuple[Kind, ...]:
    return tuple(_kinds.values())


def of(model: type[Work]) -> Kind:
    return _kinds[model]


@shared_task
@outlasting_outages
def do_jobs() -> None:
    """Do work of all kinds without a task of their own. Each kind gets `SLICE` seconds."""
    for kind in every_kind():
        if kind.line.task.name == do_jobs.name:
            kind.line.go_on(SLICE)


def _do(model: type[Work], run: Callable[[Any], bool], claim: Claim) -> None:
    held = of(model).rows.held_by(claim)
    job = held.first()
    if job is None:  # It was deleted or cancelled a moment ago.
        return
    with attempt(job):
        if run(job):
            held.end(job.status_of(State.DONE))
        else:
            held.release(timedelta(0), attempts=0)


def _retry(job: Work) -> bool:
    kind = of(type(job))
    if not kind.rows.filter(pk=job.pk).in_state(State.FAILED).retry():
        return False
    kind.announce_on_commit()
    return True


def _cancel(job: Work) -> bool:
    return bool(of(type(job)).rows.filter(pk=job.pk).cancel("Somebody cancelled it."))
