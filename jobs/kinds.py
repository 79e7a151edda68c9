"""The kinds of work that there are. Each app registers its own in `ready()`.

A new kind of work takes three things:

1. A model: `class Import(Job)`, with `index_by_urgency` and `constraints_of_work` in its Meta and
   `objects = WorkQuerySet.as_manager()`. It may set its own `max_attempts`, `lease` and `retry_delay`.
2. A function: `def do_import(job: Import) -> bool`. It does a part that takes seconds, stores it, and returns whether
   all is done. `job.advance(10)` counts what was done, and raises ClaimLost when somebody cancelled the job. An
   exception makes the job wait and fails it in the end (jobs/attempts.py). It may be run twice for the same part.
3. A line in `ready()`: `kinds.register(Import, title="Imports", singular="Import", run=do_import)`.

Whoever saves a row calls `kinds.of(Import).announce_on_commit()`. Claims, the sweep, retries and the job page come
with it.
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

SLICE = 1.0  # seconds after which a worker lets other messages in between
_kinds: dict[type[Work], Kind] = {}


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of work, as the sweep and the job page know it."""

    model: type[Work]
    title: str
    line: Line[Any]
    singular: str  # what one row is called
    started_by: str = "started_by"  # path from the row to the member of staff
    related: tuple[str, ...] = ()  # what else `address` reads, for select_related
    address: Callable[[Any, Any], str] | None = None  # of the row's page; empty if this person may not open it
    retry: Callable[[Any], bool] | None = None  # start again what failed; False when it has not failed any more
    cancel: Callable[[Any], bool] | None = None  # end what is unfinished; False when it has ended
    fail: Callable[[Any, str], int] = WorkQuerySet.fail  # end these rows with this error, and return how many

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
        # One by one: updates of several rows could wait for each other.
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
    """Make a kind of work known: with a function to run, or with a line of its own. For options see `Kind`."""
    if run is not None:
        rows = model._default_manager.all()
        assert isinstance(rows, WorkQuerySet)  # noqa: S101 - for the type checker
        line = Line(task=do_jobs, waits=rows.all().waits, claim_next=rows.claim_next, do=partial(_do, model, run))
        options = {"retry": _retry, "cancel": _cancel} | options
    if line is None:
        raise TypeError(f"{model.__name__} needs a function to run or a line.")
    _kinds[model] = Kind(model, title, line, singular, **options)


def unregister(model: type[Work]) -> None:
    """For tests."""
    del _kinds[model]


def every_kind() -> tuple[Kind, ...]:
    return tuple(_kinds.values())


def of(model: type[Work]) -> Kind:
    return _kinds[model]


@shared_task
@outlasting_outages
def do_jobs() -> None:
    """Do work of all kinds that have no task of their own, for a while each."""
    for kind in every_kind():
        if kind.line.task.name == do_jobs.name:
            kind.line.go_on(SLICE)


def _do(model: type[Work], run: Callable[[Any], bool], claim: Claim) -> None:
    held = of(model).rows.held_by(claim)
    job = held.first()
    if job is None:  # deleted or cancelled in this very moment
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
