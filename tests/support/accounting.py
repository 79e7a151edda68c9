"""Check that uploads, rows and files balance, whatever happened."""

import hashlib
from collections import Counter
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from emotions.models import EmotionRecord, SentimentPoint, Snapshot
from ml.image import strip

Status = Snapshot.Status
NEVER = timedelta(days=365)  # from now; nothing is due later


def stray_files(media: Path) -> set[str]:
    """Return the names of files without a row, and of files that rows name but the disk lacks."""
    on_disk = {str(file.relative_to(media)) for file in media.rglob("*") if not file.is_dir()}
    return on_disk ^ set(Snapshot.objects.exclude(file="").values_list("file", flat=True))


def statuses() -> list[str]:
    """Return the status of every snapshot, in order of creation."""
    return list(Snapshot.objects.order_by("pk").values_list("status", flat=True))


def assert_accounted_for(accepted: Collection[str], media: Path, *, failed: int = 0) -> None:
    """Check that every accepted upload (a public ID) has ended once, and that everything stored fits together.

    Each photo shows one face. `failed` photos have failed, with a reason; all others are analysed.
    """
    stored = {str(uuid) for uuid in Snapshot.objects.values_list("uuid", flat=True)}
    assert not set(accepted) - stored, "accepted uploads are lost"
    assert Counter(statuses()) == +Counter({Status.ANALYSED.value: len(stored) - failed, Status.FAILED.value: failed})
    assert not Snapshot.objects.filter(status=Status.FAILED, error="").exists()
    _assert_recorded_once()
    _assert_files_are_whole(media)
    assert not Snapshot.objects.exclude(claim_token=None).exists()
    # If messages are left, there is nothing that they could start.
    assert not Snapshot.objects.claimable(timezone.now() + NEVER).exists()


def _assert_recorded_once() -> None:
    analysed = Snapshot.objects.filter(status=Status.ANALYSED)
    counting = analysed.values_list("pk", "model_version")
    records = EmotionRecord.objects.values_list("snapshot", "model_version", "face_index", "is_subject")
    assert Counter(records) == Counter((snapshot, version, 0, True) for snapshot, version in counting)
    assert SentimentPoint.objects.count() == analysed.count()


def _assert_files_are_whole(media: Path) -> None:
    assert not stray_files(media)
    altered = [name for name, sha256 in stored_files() if not _is_whole((media / name).read_bytes(), sha256)]
    assert not altered


def stored_files() -> list[tuple[str, str]]:
    """Return the name of each photo's file, and the SHA-256 of the file that was sent."""
    return list(Snapshot.objects.values_list("file", "sha256"))


def _is_whole(content: bytes, sha256: str) -> bool:
    """Tell whether the content is the file that was sent, or is stripped: stripping again changes nothing."""
    return hashlib.sha256(content).hexdigest() == sha256 or strip(content) == content
