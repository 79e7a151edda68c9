from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import models, transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from crm.models import Consent, Customer, Interaction, User
from crm.privacy.deletion import LockedDeletion, LockedDeletionQuerySet
from jobs.literals import literals

if TYPE_CHECKING:
    from emotions.model_versions.models import ModelVersion


GIVEN_UP = (
    "The analysis broke off several times. Try again later; if it happens again, send the file to your administrator."
)


PHOTOS = "snapshots"  # the folder in the storage
# How far behind the clock of the worker's machine may be when it takes up a new snapshot.
CLOCK_DIFFERENCE = timedelta(seconds=10)

# What changes at the end.
FINISHED = ("status", "model_version", "error", "claim_token", "claim_expires_at", "finished_at", "changed_at", "file")
# What the queue needs, and nobody is shown.
OF_THE_QUEUE = frozenset({"attempts", "due_at", "makes_way", "claim_token", "claim_expires_at"})


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to analyse one snapshot until the lease runs out."""

    snapshot_id: int
    token: uuid.UUID


def snapshot_path(snapshot: Snapshot, filename: str) -> str:
    """Where the photo is stored: by day, under a name that no user chose and no other file ever has."""
    extension = filename.rpartition(".")[2]
    return f"{PHOTOS}/{timezone.now():%Y/%m/%d}/{uuid.uuid4()}.{extension}"


class SnapshotQuerySet(LockedDeletionQuerySet["Snapshot"]):
    def visible_to(self, user: User) -> SnapshotQuerySet:
        return self.filter(customer__in=Customer.objects.visible_to(user))

    def update(self, **changes: Any) -> int:
        """As Django's; `changed_at` moves with whatever else other systems are shown."""
        if not changes.keys() <= OF_THE_QUEUE:
            changes.setdefault("changed_at", timezone.now())
        return super().update(**changes)

    update.alters_data = True  # type: ignore[attr-defined]  # as Django's: no template calls it

    def touch(self) -> int:
        """Say that what is shown of these photos changed: their records, or what people say of them.

        Call it in the transaction of the change, with the snapshots locked.
        """
        return self.update(changed_at=timezone.now())

    def claimable(self, now: datetime) -> SnapshotQuerySet:
        """Return those that wait and are due, or whose claim ran out, and that have attempts left."""
        waiting = Q(status=Snapshot.Status.PENDING)
        abandoned = Q(status=Snapshot.Status.ANALYSING, claim_expires_at__lte=now)
        # The first condition follows from the second, and is that of the index.
        unfinished = self.filter(status__in=literals(Snapshot.UNFINISHED))
        return unfinished.filter(waiting | abandoned, due_at__lte=now, attempts__lt=settings.ANALYSIS_MAX_ATTEMPTS)

    def waits(self) -> bool:
        """Whether anything could be claimed now."""
        return self.claimable(timezone.now()).exists()

    @transaction.atomic
    def claim_next(self) -> Claim | None:
        """Take the most urgent snapshot, one for which somebody may wait before all others; None when none is due."""
        for makes_way in (False, True):  # each by a range of the index; SQLite would sort all that wait otherwise
            due = self.claimable(timezone.now()).filter(makes_way__in=[makes_way]).order_by("due_at", "pk")
            # Others are just claiming or deleting those that are locked.
            free = due.select_for_update(no_key=True, skip_locked=True, of=("self",))
            if snapshot_id := free.values_list("pk", flat=True).first():
                return self.claim(snapshot_id)
        return None

    def claim(self, snapshot_id: int) -> Claim | None:
        """Take the snapshot with one conditional UPDATE; None when somebody else has it or it is done."""
        now, token = timezone.now(), uuid.uuid4()
        taken = (
            self.filter(pk=snapshot_id)
            .claimable(now)
            .update(
                status=Snapshot.Status.ANALYSING,
                claim_token=token,
                claim_expires_at=now + timedelta(seconds=settings.ANALYSIS_LEASE),
                attempts=F("attempts") + 1,
            )
        )
        return Claim(snapshot_id, token) if taken else None

    def held_by(self, claim: Claim) -> SnapshotQuerySet:
        """The claimed snapshot, unless another worker has taken it over since."""
        return self.filter(pk=claim.snapshot_id, status=Snapshot.Status.ANALYSING, claim_token=claim.token)

    def with_consent(self) -> SnapshotQuerySet:
        """Each with `has_consent`: whether the customer's newest word on photos is yes."""
        words = Consent.objects.filter(customer=OuterRef("customer"), scope=Consent.Scope.EMOTION_ANALYSIS)
        stands = Coalesce(Subquery(words.order_by("-pk").values("granted")[:1]), False)
        return self.annotate(**{"has_consent": stands})  # django-stubs takes the plain keyword for a second field

    def worn_out(self, now: datetime) -> SnapshotQuerySet:
        """Those whose last attempt was abandoned: their photo probably crashes the worker."""
        return self.filter(
            status=Snapshot.Status.ANALYSING,
            claim_expires_at__lte=now,
            attempts__gte=settings.ANALYSIS_MAX_ATTEMPTS,
        )

    def fail(self, error: str) -> int:
        """Write the state only; emotions.outcomes.services.fail also makes everything else follow."""
        return self.update(
            status=Snapshot.Status.FAILED,
            error=error[:500],
            finished_at=timezone.now(),
            claim_token=None,
            claim_expires_at=None,
        )

    def release(self, attempts: int) -> int:
        """Return the snapshot to the queue after so many failed attempts, each time for longer."""
        return self._give_back(settings.ANALYSIS_RETRY_DELAY * 2 ** (attempts - 1))

    def postpone(self) -> int:
        """Back to the queue after an attempt that does not count, because the photo was not even read."""
        return self._give_back(settings.ANALYSIS_RETRY_DELAY, attempts=F("attempts") - 1)

    def _give_back(self, seconds: int, **changes: Any) -> int:
        return self.update(
            status=Snapshot.Status.PENDING,
            due_at=timezone.now() + timedelta(seconds=seconds),
            claim_token=None,
            claim_expires_at=None,
            **changes,
        )

    def give_back(self) -> int:
        """Back to the queue, as if it had never been claimed: nothing was wrong with the photo."""
        return self.update(
            status=Snapshot.Status.PENDING, attempts=F("attempts") - 1, claim_token=None, claim_expires_at=None
        )


class Snapshot(LockedDeletion):
    """One photo taken during an interaction, and how far its analysis is."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        ANALYSING = "analysing", "Analysing"
        ANALYSED = "analysed", "Analysed"
        NO_FACE = "no_face", "No face found"
        FAILED = "failed", "Failed"
        WITHHELD = "withheld", "Withheld: no consent"

    UNFINISHED = (Status.PENDING, Status.ANALYSING)

    uuid = models.UUIDField("public ID", default=uuid.uuid4, unique=True, editable=False)
    interaction = models.ForeignKey(Interaction, models.CASCADE, related_name="snapshots")
    # The interaction's, which never changes; here too, so that one index holds the customer's snapshots in time.
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
    makes_way = models.BooleanField(
        default=False, db_default=False, help_text="Nobody waits for it: others are analysed before it."
    )

    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    error = models.CharField(max_length=500, blank=True, help_text="Why it failed, for people.")
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now, help_text="Not to be analysed before.")
    claim_token = models.UUIDField(null=True, blank=True)
    claim_expires_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    model_version = models.ForeignKey(
        "emotions.ModelVersion",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The version whose records count.",
    )

    has_consent: bool  # of those that `with_consent` gives

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        ordering = ("captured_at", "pk")
        indexes = (
            models.Index(
                fields=["status", "due_at"],
                condition=Q(status__in=["pending", "analysing"]),
                name="snapshot_unfinished",
            ),
            models.Index(
                fields=["makes_way", "due_at", "id"],
                condition=Q(status__in=["pending", "analysing"]),
                name="snapshot_by_urgency",
            ),
            models.Index(fields=["id"], condition=Q(status="failed"), name="snapshot_failed"),
            models.Index(fields=["customer", "captured_at", "id"], name="snapshot_of_customer"),
            # Whose photo a file is.
            models.Index(fields=["file"], condition=~Q(file=""), name="snapshot_by_file"),
            # The orders in which other systems read them.
            models.Index(fields=["captured_at", "id"], name="snapshot_by_capture"),
            models.Index(fields=["created_at", "id"], name="snapshot_by_creation"),
            models.Index(fields=["finished_at", "id"], name="snapshot_by_finish"),
            models.Index(fields=["changed_at", "id"], name="snapshot_by_change"),
        )
        constraints = (
            models.UniqueConstraint(fields=["interaction", "sha256"], name="snapshot_once_per_interaction"),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "analysing", "analysed", "no_face", "failed", "withheld"]),
                name="snapshot_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status="analysing", claim_token__isnull=False, claim_expires_at__isnull=False)
                | Q(~Q(status="analysing"), claim_token=None, claim_expires_at=None),
                name="snapshot_claimed_while_analysing",
            ),
            models.CheckConstraint(
                condition=Q(status="withheld", file="") | ~Q(status="withheld") & ~Q(file=""),
                name="snapshot_file_unless_withheld",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "analysing"], finished_at=None)
                | Q(~Q(status__in=["pending", "analysing"]), finished_at__isnull=False),
                name="snapshot_finished_at_the_end",
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

    @property
    def is_unfinished(self) -> bool:
        return self.status in self.UNFINISHED

    def reset_to_pending(self) -> None:
        """As new: to be saved by the caller."""
        self.status, self.error, self.attempts, self.makes_way = self.Status.PENDING, "", 0, False
        self.due_at = timezone.now() - CLOCK_DIFFERENCE
        self.claim_token = self.claim_expires_at = self.finished_at = None

    def finish(self, status: Snapshot.Status, model_version: ModelVersion | None = None) -> bool:
        """Write a final status, give the claim back, and return whether status or model differ from before.

        Call it in a transaction that ends with `outcome_changed`.
        """
        before = (self.status, self.model_version_id)
        self.status, self.model_version, self.error = status, model_version, ""
        self.claim_token = self.claim_expires_at = None
        self.finished_at = timezone.now()
        self.save(update_fields=FINISHED)
        return before != (self.status, self.model_version_id)

    def withhold(self) -> None:
        """End without an analysis, because the consent is gone, and delete the photo once that is committed."""
        name = self.file.name or ""
        self.file.name = ""
        self.finish(self.Status.WITHHELD)
        transaction.on_commit(partial(default_storage.delete, name), robust=True)
