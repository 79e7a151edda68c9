from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from crm.models import Customer
from emotions.model_versions.models import ModelVersion
from emotions.snapshots.models import Snapshot, SnapshotQuerySet


@dataclass(frozen=True, slots=True)
class Turn:
    """The right to go on with one re-analysis until the lease runs out."""

    reanalysis_id: int
    token: uuid.UUID


class ReanalysisQuerySet(models.QuerySet["Reanalysis"]):
    def running(self) -> ReanalysisQuerySet:
        return self.filter(status=Reanalysis.Status.RUNNING)

    def idle(self, now: datetime) -> ReanalysisQuerySet:
        """Return running ones that are due and that no worker is at, or whose worker died."""
        return self.running().filter(Q(turn_token=None) | Q(turn_expires_at__lte=now), due_at__lte=now)

    def waits(self) -> bool:
        """Whether a worker could go on with any."""
        return self.idle(timezone.now()).exists()

    @transaction.atomic
    def take_next_turn(self) -> Turn | None:
        """Take the run that has waited longest for its turn; None when all are taken, not due or ended."""
        now, token = timezone.now(), uuid.uuid4()
        free = self.idle(now).order_by("due_at", "pk").select_for_update(no_key=True, skip_locked=True)
        reanalysis_id = free.values_list("pk", flat=True).first()
        if reanalysis_id is None:
            return None
        self.filter(pk=reanalysis_id).update(turn_token=token, turn_expires_at=_lease_from(now))
        return Turn(reanalysis_id, token)

    def held_by(self, turn: Turn) -> ReanalysisQuerySet:
        """The run, unless it was stopped or another worker has taken it over since."""
        return self.running().filter(pk=turn.reanalysis_id, turn_token=turn.token)

    def begin_attempt(self) -> int:
        """Of the photo after the cursor; holds the turn for as long as one photo may take."""
        return self.update(attempts=F("attempts") + 1, turn_expires_at=_lease_from(timezone.now()))

    def advance(self, cursor: int, *, to: int, **counts: int) -> int:
        """Move the cursor over one photo and count what became of it; 0 when it is not there any more."""
        counted: dict[str, Any] = {field: F(field) + count for field, count in counts.items()}
        return self.filter(cursor=cursor).update(cursor=to, attempts=0, **counted)

    def forget_attempt(self) -> int:
        """Of the photo after the cursor: nothing was wrong with it."""
        return self.update(attempts=F("attempts") - 1)

    def postpone(self) -> int:
        """Give the turn back for a while, after an attempt that does not count, because the photo was not even read."""
        return self._give_back(settings.ANALYSIS_RETRY_DELAY, attempts=F("attempts") - 1)

    def give_turn_back(self) -> int:
        """Let other runs have their turn, and then this one again."""
        return self._give_back(0)

    def _give_back(self, seconds: int, **changes: Any) -> int:
        due_at = timezone.now() + timedelta(seconds=seconds)
        return self.update(due_at=due_at, turn_token=None, turn_expires_at=None, **changes)

    def end(self, status: str, reason: str = "") -> int:
        return self.running().update(
            status=status, stop_reason=reason, finished_at=timezone.now(), turn_token=None, turn_expires_at=None
        )


class Reanalysis(models.Model):
    """A run over photos that were analysed before, in the order of their primary keys, with one model version."""

    class Scope(models.TextChoices):
        SNAPSHOT = "snapshot", "One photo"
        CUSTOMER = "customer", "All photos of one customer"
        MISSING = "missing", "All photos that show another model's answer"
        ALL = "all", "All photos"

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        STOPPED = "stopped", "Stopped"
        FINISHED = "finished", "Finished"

    # Failed photos have a button of their own; withheld ones have no file; the others wait for their own task.
    ANALYSED_BEFORE = (Snapshot.Status.ANALYSED, Snapshot.Status.NO_FACE)

    uuid = models.UUIDField("public ID", default=uuid.uuid4, unique=True, editable=False)
    scope = models.CharField(max_length=20, choices=Scope.choices)
    customer = models.ForeignKey(Customer, models.CASCADE, null=True, blank=True, related_name="+")
    snapshot = models.ForeignKey(Snapshot, models.CASCADE, null=True, blank=True, related_name="+")
    model_version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="reanalyses")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    status = models.CharField(max_length=20, choices=Status.choices, default=Status.RUNNING)
    stop_reason = models.CharField(max_length=500, blank=True, help_text="Why it was stopped, for people.")
    total = models.PositiveIntegerField(help_text="Photos when it was requested.")
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0, help_text="Photos whose earlier answer stands.")
    withheld = models.PositiveIntegerField(default=0, help_text="Photos of customers without a standing consent.")
    cursor = models.PositiveBigIntegerField(default=0, help_text="Primary key of the last photo that is done.")
    last = models.PositiveBigIntegerField(help_text="Primary key of the last photo to do; later ones are new.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Of the photo after the cursor.")
    due_at = models.DateTimeField(default=timezone.now, help_text="Not to be gone on with before.")
    turn_token = models.UUIDField(null=True, blank=True)
    turn_expires_at = models.DateTimeField(null=True, blank=True)

    objects = ReanalysisQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "reanalyses"
        indexes = (models.Index(fields=["status"], condition=Q(status="running"), name="reanalysis_running"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(scope="snapshot", snapshot__isnull=False, customer=None)
                | Q(scope="customer", customer__isnull=False, snapshot=None)
                | Q(scope__in=["missing", "all"], customer=None, snapshot=None),
                name="reanalysis_scope_names_what_it_covers",
            ),
            models.CheckConstraint(
                condition=Q(status="running", finished_at=None)
                | Q(status__in=["stopped", "finished"], finished_at__isnull=False, turn_token=None),
                name="reanalysis_ended_at_the_end",
            ),
            models.CheckConstraint(
                condition=Q(status="stopped") & ~Q(stop_reason="") | ~Q(status="stopped"),
                name="reanalysis_stopped_says_why",
            ),
            # A second click, or a second person, is shown the run that there is.
            models.UniqueConstraint(
                fields=["status"],
                condition=Q(status="running", scope__in=["missing", "all"]),
                name="reanalysis_of_everything_once_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(status="running"), name="reanalysis_of_a_customer_once_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["snapshot"], condition=Q(status="running"), name="reanalysis_of_a_snapshot_once_at_a_time"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_scope_display()} with {self.model_version}"

    @property
    def is_running(self) -> bool:
        return self.status == self.Status.RUNNING

    @property
    def handled(self) -> int:
        return self.done + self.failed + self.withheld

    def snapshots(self) -> SnapshotQuerySet:
        """Those that it covers and that are after the cursor, in the order in which they are done.

        Without those whose answer by this very model counts: it would be the same again.
        """
        ahead = Snapshot.objects.filter(pk__gt=self.cursor, pk__lte=self.last, status__in=self.ANALYSED_BEFORE)
        ahead = ahead.exclude(status=Snapshot.Status.ANALYSED, model_version=self.model_version_id)
        match self.scope:
            case self.Scope.SNAPSHOT:
                ahead = ahead.filter(pk__in=[self.snapshot_id])
            case self.Scope.CUSTOMER:
                ahead = ahead.filter(customer=self.customer_id)
            case self.Scope.MISSING:  # also where this model answered once: another's answer counts since
                ahead = ahead.exclude(model_version=self.model_version_id)
        return ahead.order_by("pk")


def _lease_from(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.ANALYSIS_LEASE)
