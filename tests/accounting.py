"""What must balance whatever happened."""

from pathlib import Path

from emotions.models import Snapshot


def stray_files(media: Path) -> set[str]:
    """Files without a row and rows without their file."""
    on_disk = {str(file.relative_to(media)) for file in media.rglob("*") if not file.is_dir()}
    return on_disk ^ set(Snapshot.objects.exclude(file="").values_list("file", flat=True))


def statuses() -> list[str]:
    """Of every snapshot, in the order of their creation."""
    return list(Snapshot.objects.order_by("pk").values_list("status", flat=True))
