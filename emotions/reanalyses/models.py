from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from crm.models import Customer
from emotions.model_versions.models import ModelVersion
from emotions.snapshots.models import Snapshot, SnapshotQuerySet
from jobs.work import Job, State, WorkQuerySet, constraints_of_work, index_by_urgency


class ReanalysisQuerySet(WorkQuerySet["Reanalysis"]):
    def advance(self, cursor: int, *, to: int, **counts: int) -> int:
        """Move the cursor past one photo and count its outcome; return 0 if the cursor has moved already."""
        counted: dict[str, Any] = {field: F(field) + count for field, count in counts.items()}
        return self.filter(cursor=cursor).update(cursor=to, attempts=0, **counted)


class Reanalysis(Job):
    """Analyse photos again with one model version, in the order of their primary keys."""

    class Scope(models.TextChoices):
        SNAPSHOT = "snapshot", "One photo"
        CUSTOMER = "customer", "All photos of one customer"
        MISSING = "missing", "All photos that show another model's answer"
        ALL = "all", "All photos"

    class Status(models.TextChoices):
        # People see a waiting run as running, because a worker releases the run after every photo.
        WAITING = State.WAITING.value, "Running"
        CLAIMED = State.CLAIMED.value, "Running"
        DONE = State.DONE.value, "Finished"
        FAILED = State.FAILED.value, "Failed"
        CANCELLED = State.CANCELLED.value, "Stopped"

    # Only these photos are analysed again. Failed photos have a button of their own, withheld ones have no file, and
    # the others are waiting for their first analysis.
    ANALYSED_BEFORE = (Snapshot.Status.ANALYSED, Snapshot.Status.NO_FACE)

    uuid = models.UUIDField("public ID", default=uuid.uuid4, unique=True, editable=False)
    scope = models.CharField(max_length=20, choices=Scope.choices)
    customer = models.ForeignKey(Customer, models.CASCADE, null=True, blank=True, related_name="+")
    snapshot = models.ForeignKey(Snapshot, models.CASCADE, null=True, blank=True, related_name="+")
    model_version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="reanalyses")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.WAITING)
    failed = models.PositiveIntegerField(default=0, help_text="Photos whose earlier answer stands.")
    withheld = models.PositiveIntegerField(default=0, help_text="Photos of customers without a standing consent.")
    cursor = models.PositiveBigIntegerField(default=0, help_text="Primary key of the last photo that is done.")
    last = models.PositiveBigIntegerField(help_text="Primary key of the last photo to do; later ones are new.")

    objects = ReanalysisQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "reanalyses"
        indexes = (index_by_urgency("reanalysis_by_urgency"),)
        constraints = (
            *constraints_of_work("reanalysis", Job.STATES),
            models.CheckConstraint(
                condition=Q(scope="snapshot", snapshot__isnull=False, customer=None)
                | Q(scope="customer", customer__isnull=False, snapshot=None)
                | Q(scope__in=["missing", "all"], customer=None, snapshot=None),
                name="reanalysis_scope_names_what_it_covers",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["cancelled", "failed"], error=""), name="reanalysis_stopped_says_why"
            ),
            # These constraints allow no second run, so that a second click leads to the run in progress.
            models.UniqueConstraint(
                Coalesce("customer", 0),
                condition=Q(finished_at=None, scope__in=["missing", "all"]),
                name="reanalysis_of_everything_once_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(finished_at=None), name="reanalysis_of_a_customer_once_at_a_time"
            ),
            models.UniqueConstraint(
                fields=["snapshot"], condition=Q(finished_at=None), name="reanalysis_of_a_snapshot_once_at_a_time"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_scope_display()} with {self.model_version}"

    @classmethod
    def max_attempts(cls) -> None:
        """Return None, because a run never gives up: it skips a photo that was attempted too often.

        See emotions/reanalyses/worker.py.
        """

    @classmethod
    def retry_delay(cls, attempts: int) -> timedelta:
        return timedelta(0)

    @classmethod
    def pause(cls) -> timedelta:
        return Snapshot.pause()

    @property
    def handled(self) -> int:
        return self.done + self.failed + self.withheld

    def snapshots(self) -> SnapshotQuerySet:
        """Return the photos that are still to be analysed, in the order of their primary keys.

        Photos that show this model version's answer are left out, because it would give the same answer.
        """
        ahead = Snapshot.objects.filter(pk__gt=self.cursor, pk__lte=self.last, status__in=self.ANALYSED_BEFORE)
        ahead = ahead.exclude(status=Snapshot.Status.ANALYSED, model_version=self.model_version_id)
        match self.scope:
            case self.Scope.SNAPSHOT:
                ahead = ahead.filter(pk__in=[self.snapshot_id])
            case self.Scope.CUSTOMER:
                ahead = ahead.filter(customer=self.customer_id)
            case self.Scope.MISSING:  # This includes photos where another model's answer replaced this model's.
                ahead = ahead.exclude(model_version=self.model_version_id)
        return ahead.order_by("pk")
