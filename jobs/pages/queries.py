"""Read the job page: work of all kinds in one list, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any
from zlib import crc32

from django.utils import timezone

from jobs.kinds import Kind, every_kind
from jobs.work import UNFINISHED, Job, State, Work, WorkQuerySet

VIEW = "jobs.view_work"
CHANGE = "jobs.change_work"
ROWS_ON_A_PAGE = 50
POLL_EVERY = "3s"


@dataclass(frozen=True, slots=True)
class Row:
    """Present one piece of work on the page."""

    kind: Kind
    work: Any
    person: Any  # This user views the page.

    @property
    def key(self) -> str:
        """Return the name of the work on the page and in its forms, such as "snapshot.12"."""
        return f"{self.kind.name}.{self.work.pk}"

    @property
    def state(self) -> State:
        """Return the state. A job that waits between two of its parts is shown as in progress."""
        work: Work = self.work
        begun = isinstance(work, Job) and work.handled > 0
        return State.CLAIMED if work.state == State.WAITING and begun else work.state

    @property
    def percent(self) -> int | None:
        """Return the progress in percent (0 to 100); None for work without steps."""
        work = self.work
        if not isinstance(work, Job) or not work.total:
            return None
        return 100 if work.state == State.DONE else min(99, 100 * work.handled // work.total)

    @property
    def started_by(self) -> str:
        person = reduce(lambda value, name: getattr(value, name, None), self.kind.started_by.split("__"), self.work)
        return str(person.get_full_name() or person) if person else ""

    @property
    def address(self) -> str:
        return self.kind.address(self.work, self.person) if self.kind.address else ""

    @property
    def next_attempt_at(self) -> datetime | None:
        """Return when a failed attempt will be repeated; None for work that has not failed yet or has ended."""
        work = self.work
        return work.due_at if work.state == State.WAITING and work.attempts and work.due_at > timezone.now() else None

    @property
    def can_retry(self) -> bool:
        return self.kind.retry is not None and self.work.state == State.FAILED

    @property
    def can_cancel(self) -> bool:
        return self.kind.cancel is not None and self.work.is_unfinished


@dataclass(frozen=True, slots=True)
class JobPage:
    rows: Sequence[Row]
    next_before: str  # The next page takes this as `before`; it is empty on the last page.
    sees_everything: bool

    @property
    def poll_every(self) -> str:
        return POLL_EVERY if any(row.work.is_unfinished for row in self.rows) else ""

    @property
    def version(self) -> str:
        """Return a checksum that changes whenever the list must be drawn again."""
        said = (f"{row.key} {row.work.status} {row.work.attempts} {row.percent}" for row in self.rows)
        return str(crc32("\n".join(said).encode()))

    @property
    def can_act(self) -> bool:
        return any(row.can_retry or row.can_cancel for row in self.rows)


def job_page(person: Any, kind_name: str = "", state: str = "", before: str = "") -> JobPage:
    """Return a page of the work that the person may see, with one query for each kind.

    `before` is the page's position in the list: for each kind, a primary key above all rows of the page.
    """
    bounds = _bounds(before)
    found: list[Row] = []
    for kind in every_kind():
        if kind_name in ("", kind.name):
            rows = _in_state(visible(kind, person), state)
            if bound := bounds.get(kind.name):
                rows = rows.filter(pk__lt=bound)
            found += [Row(kind, work, person) for work in rows.order_by("-pk")[: ROWS_ON_A_PAGE + 1]]
    found.sort(key=lambda row: (row.work.created_at, row.work.pk), reverse=True)
    shown = found[:ROWS_ON_A_PAGE]
    more = len(found) > len(shown)
    return JobPage(shown, _before(bounds, shown) if more else "", person.has_perm(VIEW))


def visible(kind: Kind, person: Any) -> WorkQuerySet[Any]:
    """Return the work of this kind that the person may see: their own, or all with the permission `VIEW`."""
    rows = kind.rows.select_related(kind.started_by, *kind.related)
    return rows if person.has_perm(VIEW) else rows.filter(**{kind.started_by: person})


def changeable(kind: Kind, person: Any) -> WorkQuerySet[Any]:
    """Return the work that the person may retry or cancel.

    This is their own work, or all that they may see with the permission `CHANGE`.
    """
    rows = visible(kind, person)
    return rows if person.has_perm(CHANGE) else rows.filter(**{kind.started_by: person})


def _in_state(rows: WorkQuerySet[Any], state: str) -> WorkQuerySet[Any]:
    if state == "unfinished":
        return rows.unfinished()
    if state not in State.values:
        return rows
    if state in UNFINISHED:
        rows = rows.unfinished()  # The database uses the partial index only with this condition.
    return rows.in_state(State(state))


def _bounds(before: str) -> dict[str, int]:
    """Parse the text that `_before` wrote, and ignore anything else."""
    parts = (part.partition(".") for part in before.split("~"))
    return {name: int(pk) for name, _, pk in parts if pk.isascii() and pk.isdigit() and len(pk) < 19}


def _before(bounds: dict[str, int], shown: Sequence[Row]) -> str:
    lowest = bounds | {row.kind.name: row.work.pk for row in shown}  # The last row of a kind is its lowest.
    return "~".join(f"{name}.{pk}" for name, pk in sorted(lowest.items()))
