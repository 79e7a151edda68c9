"""Claim rows for workers, and renew, release or end these claims. No other module claims.

A kind of work is a model that extends `Work`, or `Job` if people start and watch it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self, TypeVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils import timezone


class State(models.TextChoices):
    """List the states of work. Each kind of work maps its own statuses to these."""

    WAITING = "waiting", "Waiting"
    CLAIMED = "claimed", "In progress"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


UNFINISHED = (State.WAITING, State.CLAIMED)


@dataclass(frozen=True, slots=True)
class Claim:
    """Hold the right to work on one row until the lease expires."""

    pk: int
    token: uuid.UUID


class ClaimLost(Exception):
    """Report that another worker took the work over, or that somebody ended it. Store nothing more then."""


W = TypeVar("W", bound="Work")


class WorkQuerySet(models.QuerySet[W]):
    def unfinished(self) -> Self:
        return self.filter(finished_at=None)

    def waiting(self) -> Self:
        """Return unfinished work that nobody has claimed, whether it is due or not."""
        return self.unfinished().filter(claim_token=None)

    def in_state(self, state: State) -> Self:
        return self.filter(status__in=self.model.statuses(state))

    def claimable(self, now: datetime) -> Self:
        """Return work that is due, has attempts left, and is unclaimed or has an expired lease."""
        free = Q(claim_expires_at=None) | Q(claim_expires_at__lte=now)
        due = self.unfinished().filter(free, due_at__lte=now)
        most = self.model.max_attempts()
        return due if most is None else due.filter(attempts__lt=most)

    def waits(self) -> bool:
        """Return whether any work can be claimed now."""
        return self.claimable(timezone.now()).exists()

    def claim_next(self) -> Claim | None:
        """Claim the most urgent row; return None when none can be claimed."""
        return next(iter(self.claim(1)), None)

    @transaction.atomic
    def claim(self, most: int) -> list[Claim]:
        """Claim the most urgent work, at most `most` rows.

        Work that has been due longest comes first. Work that makes way comes last, and is never claimed
        together with other work.

        Claiming a single row counts as an attempt. Claiming several does not: if a worker dies with them,
        nobody knows which row killed it, so each is then claimed alone. Code that ends such a row must
        store its attempt.
        """
        now = timezone.now()
        # Each value is one range of the index. With a single query, SQLite would sort all waiting rows.
        for makes_way in (False, True):
            due = self.claimable(now).filter(makes_way__in=[makes_way]).order_by("due_at", "pk")
            # Skip rows that other transactions are claiming or deleting.
            free = due.select_for_update(no_key=True, skip_locked=True, of=("self",))
            if rows := list(free.only("attempts", "claim_token")[:most]):
                return self._take(_to_claim_together(rows, most), now)
        return []

    def _take(self, pks: Sequence[int], now: datetime) -> list[Claim]:
        """Claim the rows that are still claimable with one conditional UPDATE, because SQLite locks no rows."""
        token = uuid.uuid4()
        chosen = self.filter(pk__in=pks)
        taken = chosen.claimable(now).update(
            status=self.model.status_of(State.CLAIMED),
            claim_token=token,
            claim_expires_at=now + self.model.lease(),
            attempts=F("attempts") + (1 if len(pks) == 1 else 0),
        )
        if taken < len(pks):
            mine = set(chosen.filter(claim_token=token).values_list("pk", flat=True))
            pks = [pk for pk in pks if pk in mine]
        return [Claim(pk, token) for pk in pks]

    def held_by(self, *claims: Claim) -> Self:
        """Return the rows on which these claims still hold. A row is missing once it was taken over or ended."""
        tokens = {claim.token for claim in claims}
        return self.filter(pk__in=[claim.pk for claim in claims], claim_token__in=tokens)

    def worn_out(self, now: datetime) -> Self:
        """Return work whose last attempt was abandoned, probably because it kills its worker."""
        most = self.model.max_attempts()
        if most is None:
            return self.none()
        claimed = self.unfinished().in_state(State.CLAIMED)
        return claimed.filter(claim_expires_at__lte=now, attempts__gte=most)

    def renew(self) -> int:
        """Extend the lease of the claimed rows to its full length from now."""
        return self.update(claim_expires_at=timezone.now() + self.model.lease())

    def release(self, delay: timedelta | None = None, *, attempt_counts: bool = True, **changes: Any) -> int:
        """Return claimed rows to the queue. Without a delay, they keep their place in it."""
        if delay is not None:
            changes["due_at"] = timezone.now() + delay
        if not attempt_counts:
            changes["attempts"] = Greatest(F("attempts") - 1, 0)  # Claiming several rows counted no attempt.
        return self.update(
            status=self.model.status_of(State.WAITING), claim_token=None, claim_expires_at=None, **changes
        )

    def end(self, status: str, error: str = "", **changes: Any) -> int:
        """Store how the work ended, and release the claim."""
        return self.update(
            status=status,
            error=error[: self.model.ERROR_LENGTH],
            finished_at=timezone.now(),
            claim_token=None,
            claim_expires_at=None,
            **changes,
        )

    def fail(self, error: str) -> int:
        """Fail the work. `error` is a sentence for people that says what happened and what to do next."""
        return self.end(self.model.status_of(State.FAILED), error)

    def cancel(self, reason: str) -> int:
        """Cancel unfinished work. A worker that is doing it finds its claim gone, and stores nothing."""
        return self.unfinished().end(self.model.status_of(State.CANCELLED), reason)

    def retry(self, **changes: Any) -> int:
        """Start work again from the first attempt, whatever its state, unless a worker holds it."""
        return self.filter(claim_token=None).update(
            status=self.model.status_of(State.WAITING),
            error="",
            attempts=0,
            due_at=timezone.now(),
            finished_at=None,
            **changes,
        )


def _to_claim_together(rows: Sequence[Work], most: int) -> list[int]:
    """Choose which of these rows one worker claims together, and return their primary keys.

    The rows must be sorted by urgency. Work that was attempted before is claimed alone, because it may
    kill its worker. When few rows wait, half of them are left for the other workers.
    """
    first, *others = rows
    if first.was_attempted:
        return [first.pk]
    if len(rows) < most:
        others = others[: (len(rows) - 1) // 2]
    return [first.pk, *(row.pk for row in others if not row.was_attempted)]


class Work(models.Model):
    """Represent one piece of work that a worker claims, attempts and ends."""

    # This maps the model's own statuses to states. Exactly one must mean waiting, and exactly one claimed.
    STATES: ClassVar[Mapping[str, State]] = {state.value: state for state in State}
    ERROR_LENGTH: ClassVar[int] = 500  # Longer errors are cut to this many characters.
    GIVEN_UP: ClassVar[str] = "It broke off several times. Try again later; tell your administrator if that fails too."

    status = models.CharField(max_length=20, choices=State.choices, default=State.WAITING)
    error = models.CharField(max_length=500, blank=True, help_text="Why it failed, for people.")
    makes_way = models.BooleanField(
        default=False, db_default=False, help_text="Nobody waits for it: other work is done before it."
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now, help_text="Not to be attempted before.")
    claim_token = models.UUIDField(null=True, blank=True, editable=False)
    claim_expires_at = models.DateTimeField(null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @classmethod
    def statuses(cls, state: State) -> list[str]:
        return [status for status, meaning in cls.STATES.items() if meaning == state]

    @classmethod
    def status_of(cls, state: State) -> str:
        """Return the model's first status with this state. Raises IndexError when the model has no such state."""
        return cls.statuses(state)[0]

    @classmethod
    def max_attempts(cls) -> int | None:
        """Return after how many attempts work fails; None means never."""
        return 3

    @classmethod
    def lease(cls) -> timedelta:
        """Return how long a claim holds: longer than a task may take, so that no two workers do the same work."""
        return timedelta(seconds=settings.ANALYSIS_LEASE)

    @classmethod
    def retry_delay(cls, attempts: int) -> timedelta:
        """Return how long work waits after so many failed attempts."""
        return timedelta(seconds=10 * 2 ** (attempts - 1))

    @classmethod
    def pause(cls) -> timedelta:
        """Return how long work waits while something that it needs, such as a storage, is unreachable."""
        return cls.retry_delay(1)

    def held(self) -> WorkQuerySet[Any]:
        """Return a queryset with this row, which becomes empty once this worker has lost its claim."""
        rows = type(self)._default_manager.filter(pk=self.pk, claim_token__isnull=False, claim_token=self.claim_token)
        assert isinstance(rows, WorkQuerySet)  # noqa: S101 - for the type checker
        return rows

    @property
    def was_attempted(self) -> bool:
        """Return whether a worker has held the row before, or still holds it."""
        return self.attempts > 0 or self.claim_token is not None

    @property
    def is_last_attempt(self) -> bool:
        most = self.max_attempts()
        return most is not None and self.attempts >= most

    @property
    def state(self) -> State:
        return self.STATES[self.status]

    @property
    def is_unfinished(self) -> bool:
        return self.state in UNFINISHED


class Job(Work):
    """Represent work of many steps that people start and watch."""

    total = models.PositiveIntegerField(default=0, help_text="Steps when it was started.")
    done = models.PositiveIntegerField(default=0)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True

    def advance(self, steps: int) -> None:
        """Count steps as done and renew the lease. Raises ClaimLost."""
        if not self.held().update(done=F("done") + steps, claim_expires_at=timezone.now() + self.lease()):
            raise ClaimLost
        self.done += steps

    @property
    def handled(self) -> int:
        """Return how many steps have ended, successfully or not."""
        return self.done


def index_by_urgency(name: str) -> models.Index:
    """Return an index that finds the most urgent work quickly. Use it in the Meta of kinds claimed in this order."""
    return models.Index(fields=["makes_way", "due_at", "id"], condition=Q(finished_at=None), name=name)


def constraints_of_work(name: str, states: Mapping[str, State]) -> tuple[models.CheckConstraint, ...]:
    """Return constraints that keep status, claim and end of work consistent. Use them in the Meta of each kind."""
    claimed = [status for status, state in states.items() if state == State.CLAIMED]
    unfinished = [status for status, state in states.items() if state in UNFINISHED]
    return (
        models.CheckConstraint(condition=Q(status__in=list(states)), name=f"{name}_status_known"),
        models.CheckConstraint(
            condition=Q(status__in=claimed, claim_token__isnull=False, claim_expires_at__isnull=False)
            | Q(~Q(status__in=claimed), claim_token=None, claim_expires_at=None),
            name=f"{name}_claimed_with_a_lease",
        ),
        models.CheckConstraint(
            condition=Q(status__in=unfinished, finished_at=None)
            | Q(~Q(status__in=unfinished), finished_at__isnull=False),
            name=f"{name}_finished_at_the_end",
        ),
    )
