from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from crm.models import Consent, Customer, Interaction, User
from crm.privacy.deletion import LockedDeletion, LockedDeletionQuerySet
from jobs.work import State, Work, WorkQuerySet, constraints_of_work, index_by_urgency

if TYPE_CHECKING:
    from emotions.model_versions.models import ModelVersion


GIVEN_UP = (
    "The analysis broke off several times. Try again later; if it happens again, send the file to your administrator."
)


PHOTOS = "snapshots"  # the folder in the storage
# The worker's clock may be this far behind, and the worker still claims a new snapshot at once.
CLOCK_DIFFERENCE = timedelta(seconds=10)

# Columns that change when the analysis ends.
FINISHED = (
    "status",
    "model_version",
    "error",
    "claim_token",
    "claim_expires_at",
    "finished_at",
    "changed_at",
    "file",
    "attempts",
)
# Columns of the queue that nobody is shown.
OF_THE_QUEUE = frozenset({"attempts", "due_at", "makes_way", "claim_token", "claim_expires_at"})


def snapshot_path(snapshot: Snapshot, filename: str) -> str:
    """Return a path for the photo: a folder for the day, and a random name that no other file has."""
    extension = filename.rpartition(".")[2]
    return f"{PHOTOS}/{timezone.now():%Y/%m/%d}/{uuid.uuid4()}.{extension}"


class SnapshotQuerySet(WorkQuerySet["Snapshot"], LockedDeletionQuerySet["Snapshot"]):  # type: ignore[override]  # as_manager
    def visible_to(self, user: User) -> SnapshotQuerySet:
        return self.filter(customer__in=Customer.objects.visible_to(user))

    def update(self, **changes: Any) -> int:
        """Update as Django does, and set `changed_at` if a column changes that other systems see."""
        if not changes.keys() <= OF_THE_QUEUE:
            changes.setdefault("changed_at", timezone.now())
        return super().update(**changes)

    update.alters_data = True  # type: ignore[attr-defined]  # as on Django's own method, so that no template calls it

    def touch(self) -> int:
        """Set `changed_at`, because the records or corrections of these snapshots changed.

        Call this in the transaction of the change, with the snapshots locked.
        """
        return self.update(changed_at=timezone.now())

    def with_consent(self) -> SnapshotQuerySet:
        """Annotate each snapshot with `has_consent`: whether the customer's consent to the analysis stands."""
        standing = Consent.objects.standing(Consent.Scope.EMOTION_ANALYSIS)
        has_consent = Exists(standing.filter(customer=OuterRef("customer")))
        return self.annotate(**{"has_consent": has_consent})  # django-stubs takes the plain keyword for a second field


STATES = {
    "pending": State.WAITING,
    "analysing": State.CLAIMED,
    "analysed": State.DONE,
    "no_face": State.DONE,
    "failed": State.FAILED,
    "withheld": State.CANCELLED,
}


class Snapshot(Work, LockedDeletion):
    """One photo taken during an interaction, and the state of its analysis."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        ANALYSING = "analysing", "Analysing"
        ANALYSED = "analysed", "Analysed"
        NO_FACE = "no_face", "No face found"
        FAILED = "failed", "Failed"
        WITHHELD = "withheld", "Withheld: no consent"

    STATES = STATES
    GIVEN_UP = GIVEN_UP
    UNFINISHED = (Status.PENDING, Status.ANALYSING)

    uuid = models.UUIDField("public ID", default=uuid.uuid4, unique=True, editable=False)
    interaction = models.ForeignKey(Interaction, models.CASCADE, related_name="snapshots")
    # The customer of the interaction, which never changes. It is kept here too, so that one index holds all snapshots
    # of a customer in time. Reach the customer of a snapshot by this field only.
    customer = models.ForeignKey(Customer, models.CASCADE, db_index=False, editable=False, related_name="snapshots")
    file = models.FileField(upload_to=snapshot_path, max_length=200, blank=True)
    original_name = models.CharField(max_length=255, blank=True, help_text="The file's name when it was added.")
    sha256 = models.CharField("SHA-256 of the file", max_length=64)
    captured_at = models.DateTimeField(help_text="When the shutter fell.")
    width = models.PositiveIntegerField(help_text="Pixels of the upright photo.")
    height = models.PositiveIntegerField(help_text="Pixels of the upright photo.")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(
        auto_now=True,
        db_default=Now(),
        help_text="When anything last changed that is shown of the photo: its state, its results, what people say.",
    )
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    model_version = models.ForeignKey(
        "emotions.ModelVersion",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The version whose records count.",
    )

    has_consent: bool  # only on snapshots from `with_consent`

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        ordering = ("captured_at", "pk")
        indexes = (
            models.Index(fields=["status", "due_at"], condition=Q(finished_at=None), name="snapshot_unfinished"),
            index_by_urgency("snapshot_by_urgency"),
            models.Index(fields=["id"], condition=Q(status="failed"), name="snapshot_failed"),
            models.Index(fields=["customer", "captured_at", "id"], name="snapshot_of_customer"),
            # This finds the snapshot that a file belongs to.
            models.Index(fields=["file"], condition=~Q(file=""), name="snapshot_by_file"),
            # These serve the orders in which other systems read snapshots.
            models.Index(fields=["captured_at", "id"], name="snapshot_by_capture"),
            models.Index(fields=["created_at", "id"], name="snapshot_by_creation"),
            models.Index(fields=["finished_at", "id"], name="snapshot_by_finish"),
            models.Index(fields=["changed_at", "id"], name="snapshot_by_change"),
        )
        constraints = (
            models.UniqueConstraint(fields=["interaction", "sha256"], name="snapshot_once_per_interaction"),
            *constraints_of_work("snapshot", STATES),
            models.CheckConstraint(
                condition=Q(status="withheld", file="") | ~Q(status="withheld") & ~Q(file=""),
                name="snapshot_file_unless_withheld",
            ),
            models.CheckConstraint(
                condition=Q(status="failed") & ~Q(error="") | ~Q(status="failed"),
                name="snapshot_failed_says_why",
            ),
            models.CheckConstraint(condition=Q(width__gt=0, height__gt=0), name="snapshot_has_pixels"),
        )

    def __str__(self) -> str:
        return f"Snapshot {self.uuid}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self._state.adding:
            self.customer_id = self.interaction.customer_id
        super().save(*args, **kwargs)

    @classmethod
    def max_attempts(cls) -> int:
        return int(settings.ANALYSIS_MAX_ATTEMPTS)

    @classmethod
    def retry_delay(cls, attempts: int) -> timedelta:
        return timedelta(seconds=settings.ANALYSIS_RETRY_DELAY * 2 ** (attempts - 1))

    def read_file(self) -> bytes:
        """Read the photo. Raises whatever the storage raises."""
        with self.file.open("rb") as file:
            return bytes(file.read())

    def reset_to_pending(self) -> None:
        """Set the state of a new snapshot. The caller saves it."""
        self.status, self.error, self.attempts, self.makes_way = self.Status.PENDING, "", 0, False
        self.due_at = timezone.now() - CLOCK_DIFFERENCE
        self.claim_token = self.claim_expires_at = self.finished_at = None

    def finish(self, status: Snapshot.Status, model_version: ModelVersion | None = None) -> bool:
        """Write a final status, release the claim, and return whether status or model changed.

        Call this in a transaction that ends with `outcome_changed`.
        """
        before = (self.status, self.model_version_id)
        self.status, self.model_version, self.error = status, model_version, ""
        self.claim_token = self.claim_expires_at = None
        self.finished_at = timezone.now()
        self.save(update_fields=FINISHED)
        return before != (self.status, self.model_version_id)

    def withhold(self) -> None:
        """End without an analysis, because consent is missing, and delete the photo after the commit."""
        name = self.file.name or ""
        self.file.name = ""
        self.finish(self.Status.WITHHELD)
        transaction.on_commit(partial(default_storage.delete, name), robust=True)
