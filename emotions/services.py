"""Writes: what staff and other systems do to snapshots."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from crm.models import Consent, Customer, Interaction, User
from crm.services import record_consent
from emotions.models import EmotionRecord, Snapshot
from emotions.photos import CheckedPhoto, refuse_future
from emotions.tasks import enqueue


class ConsentMissing(PermissionError):
    """The customer has not agreed to photos and their analysis, or no longer agrees."""

    def __init__(self) -> None:
        super().__init__("The customer has not agreed to photos and their analysis. Record the consent first.")


class StorageUnavailable(OSError):
    """The photo could not be written."""

    def __init__(self) -> None:
        super().__init__("The photo could not be stored. Nothing was saved; try again, or tell your administrator.")


def log_interaction(
    interaction: Interaction, photos: Sequence[CheckedPhoto], *, consent_obtained_by: str | None, by: User
) -> list[Snapshot]:
    """Save an interaction with its photos, all or nothing, and the consent if one was just given.

    Raises ConsentMissing, PhotoRefused, StorageUnavailable.
    """
    with _files_only_if_committed() as written, transaction.atomic(durable=True):
        interaction.staff = by
        interaction.save()
        if consent_obtained_by:
            record_consent(interaction.customer, granted=True, obtained_by=consent_obtained_by, recorded_by=by)
        return [_add(interaction, photo, None, written) for photo in photos]


def add_snapshot(interaction: Interaction, photo: CheckedPhoto, captured_at: datetime | None = None) -> Snapshot:
    """Store a photo of an interaction and enqueue its analysis. The same photo again is the same snapshot.

    Raises ConsentMissing, PhotoRefused, StorageUnavailable.
    """
    with _files_only_if_committed() as written, transaction.atomic(durable=True):
        return _add(interaction, photo, captured_at, written)


def _add(interaction: Interaction, photo: CheckedPhoto, captured_at: datetime | None, written: list[str]) -> Snapshot:
    customer = Customer.objects.select_for_update().get(pk=interaction.customer_id)
    if not Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS):
        raise ConsentMissing
    if captured_at:
        refuse_future(captured_at)
    snapshot = Snapshot.objects.filter(interaction=interaction, sha256=photo.sha256).first()
    if snapshot and snapshot.status != Snapshot.Status.WITHHELD:
        return snapshot
    snapshot = snapshot or Snapshot(interaction=interaction, sha256=photo.sha256)
    snapshot.original_name = photo.name[-255:]
    snapshot.captured_at = captured_at or photo.captured_at or min(interaction.occurred_at, timezone.now())
    snapshot.width, snapshot.height = photo.info.width, photo.info.height
    snapshot.reset_to_pending()
    _write_file(snapshot, photo, written)
    snapshot.save()
    transaction.on_commit(partial(enqueue, snapshot.pk), robust=True)
    return snapshot


def _write_file(snapshot: Snapshot, photo: CheckedPhoto, written: list[str]) -> None:
    name = snapshot.file.field.generate_filename(snapshot, f"photo{photo.info.extension}")
    written.append(name)  # before the write, which may leave a part behind
    photo.upload.seek(0)
    try:
        snapshot.file.name = default_storage.save(name, photo.upload)
    except OSError as error:
        raise StorageUnavailable from error


@contextmanager
def _files_only_if_committed() -> Iterator[list[str]]:
    """Removes the files written meanwhile when the transaction inside fails."""
    written: list[str] = []
    try:
        yield written
    except BaseException:
        for name in written:
            default_storage.delete(name)
        raise


@transaction.atomic
def retry(snapshot: Snapshot) -> bool:
    """Analyse a failed snapshot again; False when it is not in that state (any more).

    Raises ConsentMissing.
    """
    customer = Customer.objects.select_for_update().get(pk=snapshot.interaction.customer_id)
    if not Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS):
        raise ConsentMissing
    failed = Snapshot.objects.select_for_update().filter(pk=snapshot.pk, status=Snapshot.Status.FAILED).first()
    if failed is None:
        return False
    failed.reset_to_pending()
    failed.save()
    transaction.on_commit(partial(enqueue, failed.pk), robust=True)
    return True


@transaction.atomic
def choose_subject(record: EmotionRecord) -> None:
    """Say that this face, and no other of its photo, is the customer."""
    Snapshot.objects.select_for_update().get(pk=record.snapshot_id)
    faces = EmotionRecord.objects.filter(snapshot=record.snapshot_id, model_version=record.model_version_id)
    faces.update(is_subject=False)
    faces.filter(pk=record.pk).update(is_subject=True)


def withhold_waiting(customer: Customer) -> None:
    """End what still waits after the customer withdrew the consent. Call it inside the transaction of that."""
    waiting = Snapshot.objects.select_for_update().filter(
        interaction__customer=customer, status=Snapshot.Status.PENDING
    )
    for snapshot in waiting:
        snapshot.withhold()
