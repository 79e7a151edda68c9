"""Add photos to an interaction, and retry failed ones."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from crm.consents.services import record_consent
from crm.models import Consent, Customer, Interaction, User
from emotions.analysis.tasks import analyse_snapshots
from emotions.snapshots.models import Snapshot
from emotions.snapshots.photos import CheckedPhoto, refuse_future
from jobs.dispatch import announce_on_commit

logger = logging.getLogger(__name__)


class ConsentMissing(PermissionError):
    """Refuse photos because the customer has not agreed to them and their analysis, or no longer agrees."""

    message = "The customer has not agreed to photos and their analysis. Record the consent first."

    def __init__(self) -> None:
        super().__init__(self.message)


class ConsentWithdrawn(ConsentMissing):
    """Refuse photos because the customer withdrew the consent. A consent sent with photos does not renew it."""

    message = (
        "The customer withdrew the consent to photos and their analysis. If the customer agrees again, record the new"
        " consent first."
    )


class StorageUnavailable(OSError):
    """Report that a photo could not be written to the storage."""

    def __init__(self) -> None:
        super().__init__("The photo could not be stored. Nothing was saved; try again, or tell your administrator.")


def log_interaction(
    interaction: Interaction,
    photos: Sequence[CheckedPhoto],
    *,
    consent_obtained_by: str | None,
    by: User,
    captured_at: datetime | None = None,
    make_way: bool = False,
) -> list[Snapshot]:
    """Save an interaction with its photos, all or nothing, and the consent if one was just given.

    A consent that was withdrawn is renewed only by a new one that is recorded by itself. One that is sent along with
    photos may date from before the withdrawal, or come from a program that always sends it.
    `captured_at` takes precedence over the time in the photos. Photos with `make_way` are analysed after all others.
    Raises ConsentMissing, PhotoRefused, StorageUnavailable.
    """
    with _transaction_with_files() as written:
        interaction.staff = by
        interaction.save()
        if consent_obtained_by:
            _standing_consent(interaction)
            record_consent(interaction.customer, granted=True, obtained_by=consent_obtained_by, recorded_by=by)
        snapshots = [_add(interaction, photo, captured_at, make_way, written) for photo in photos]
        _announce_on_commit(snapshots)
        return snapshots


def add_snapshots(
    interaction: Interaction,
    photos: Sequence[CheckedPhoto],
    captured_at: datetime | None = None,
    *,
    make_way: bool = False,
) -> list[Snapshot]:
    """Store photos of an interaction, all or nothing, and enqueue their analysis.

    Adding the same photo again gives the same snapshot. Raises ConsentMissing, PhotoRefused, StorageUnavailable.
    """
    with _transaction_with_files() as written:
        snapshots = [_add(interaction, photo, captured_at, make_way, written) for photo in photos]
        _announce_on_commit(snapshots)
        return snapshots


def _announce_on_commit(snapshots: Sequence[Snapshot]) -> None:
    if any(snapshot.is_unfinished for snapshot in snapshots):
        announce_on_commit(analyse_snapshots)


def add_snapshot(interaction: Interaction, photo: CheckedPhoto, captured_at: datetime | None = None) -> Snapshot:
    """Store one photo, as `add_snapshots` does."""
    return add_snapshots(interaction, [photo], captured_at)[0]


def _add(
    interaction: Interaction, photo: CheckedPhoto, captured_at: datetime | None, make_way: bool, written: list[str]
) -> Snapshot:
    _require_consent(interaction)
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
    snapshot.makes_way = make_way
    _write_file(snapshot, photo, written)
    snapshot.save()
    return snapshot


def _require_consent(interaction: Interaction) -> None:
    """Lock the customer until the transaction ends. Raises ConsentMissing."""
    if _standing_consent(interaction) is None:
        raise ConsentMissing


def _standing_consent(interaction: Interaction) -> Consent | None:
    """Return the consent that stands; None if the customer never gave one.

    Locks the customer until the transaction ends. Raises ConsentWithdrawn.
    """
    customer = Customer.objects.select_for_update().get(pk=interaction.customer_id)
    newest = Consent.objects.newest_of(customer, Consent.Scope.EMOTION_ANALYSIS)
    if newest and not newest.granted:
        raise ConsentWithdrawn
    return newest


def _write_file(snapshot: Snapshot, photo: CheckedPhoto, written: list[str]) -> None:
    name = snapshot.file.field.generate_filename(snapshot, f"photo{photo.info.extension}")
    written.append(name)  # noted before the write, because a write that fails may leave a part behind
    photo.upload.seek(0)
    try:
        snapshot.file.name = default_storage.save(name, photo.upload)
    except OSError as error:
        raise StorageUnavailable from error


@contextmanager
def _transaction_with_files() -> Iterator[list[str]]:
    """Open a separate transaction, and delete the files written during it if it fails.

    If the commit itself fails, the files stay: when the connection breaks at that moment, nobody knows whether the rows
    were saved. If they were not, `delete_stray_files` deletes the files later, as after a process was killed here.
    """
    written: list[str] = []
    committing = False
    try:
        with transaction.atomic(durable=True):
            yield written
            committing = True
    except BaseException:
        if not committing:
            _delete_files(written)
        raise


def _delete_files(names: Sequence[str]) -> None:
    for name in names:
        try:
            default_storage.delete(name)
        except Exception:  # an unreachable storage must not hide why the upload failed
            logger.exception("The file %s of a failed upload is left to delete_stray_files", name)


@transaction.atomic
def retry(snapshot: Snapshot) -> bool:
    """Queue a failed snapshot for analysis again; return False if it has not failed.

    Raises ConsentMissing.
    """
    _require_consent(snapshot.interaction)
    failed = Snapshot.objects.select_for_update().filter(pk=snapshot.pk, status=Snapshot.Status.FAILED).first()
    if failed is None:
        return False
    failed.reset_to_pending()
    failed.save()
    announce_on_commit(analyse_snapshots)
    return True
