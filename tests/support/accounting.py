"""What must balance whatever happened."""

import hashlib
from collections import Counter
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from emotions.models import EmotionRecord, SentimentPoint, Snapshot
from ml.image import strip

Status = Snapshot.Status
NEVER = timedelta(days=365)  # from now


def stray_files(media: Path) -> set[str]:
    """Files without a row and rows without their file."""
    on_disk = {str(file.relative_to(media)) for file in media.rglob("*") if not file.is_dir()}
    return on_disk ^ set(Snapshot.objects.exclude(file="").values_list("file", flat=True))


def statuses() -> list[str]:
    """Of every snapshot, in the order of their creation."""
    return list(Snapshot.objects.order_by("pk").values_list("status", flat=True))


def assert_accounted_for(accepted: Collection[str], media: Path, *, failed: int = 0) -> None:
    """Every accepted upload, named by its public ID, has ended once, and all that was stored fits together.

    Each photo shows one face. So many have failed, with a reason; every other one is analysed.
    """
    stored = {str(uuid) for uuid in Snapshot.objects.values_list("uuid", flat=True)}
    assert not set(accepted) - stored, "accepted uploads are lost"
    assert Counter(statuses()) == +Counter({Status.ANALYSED.value: len(stored) - failed, Status.FAILED.value: failed})
    assert not Snapshot.objects.filter(status=Status.FAILED, error="").exists()
    _assert_recorded_once()
    _assert_files_are_whole(media)
    assert not Snapshot.objects.exclude(claim_token=None).exists()
    # Whatever messages are left: there is nothing that they could begin.
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
    """Tell whether it is the file that was sent, or what stripping left of it: stripping that changes nothing."""
    return hashlib.sha256(content).hexdigest() == sha256 or strip(content) == content
