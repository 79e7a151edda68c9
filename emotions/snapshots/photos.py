"""Check an uploaded file before a row is made for it, and render its preview."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files import File
from django.utils import timezone

from crm.interactions.models import CLOCK_TOLERANCE
from ml import sandbox
from ml.errors import InvalidImage
from ml.photo import MEGABYTE, PhotoInfo, PhotoLimits

PREVIEW_LONG_SIDE = 1280  # pixels
PREVIEW_QUALITY = 80
# A camera that writes no time zone may be in one this far from the server's.
UNKNOWN_ZONE = timedelta(hours=26)


class PhotoRefused(ValueError):
    """Refuse an upload. The message tells staff why and what to do."""


@dataclass(frozen=True, slots=True)
class CheckedPhoto:
    """An upload that is a photo within the limits."""

    upload: File[bytes]
    info: PhotoInfo
    sha256: str  # hash of the file as it was sent, to recognise the same photo
    captured_at: datetime | None  # aware; None if the photo names no time, or one in the future

    @property
    def name(self) -> str:
        return self.upload.name or ""

    @property
    def clock_hint(self) -> str:
        """Return what staff should know about the camera's clock; empty if the clock may be right."""
        claimed = self.info.captured_at
        if claimed is None or self.captured_at:
            return ""
        return (
            f"{self.name} says it was taken on {claimed:%d %B %Y at %H:%M}, which is in the future. The time of the"
            " interaction counts instead. Correct the camera's clock."
        )


def photo_limits() -> PhotoLimits:
    return PhotoLimits(
        settings.MAX_PHOTO_BYTES,
        settings.MAX_PHOTO_PIXELS,
        settings.MAX_PHOTO_MEMORY * MEGABYTE,
        settings.MAX_PHOTO_SECONDS,
    )


def check_upload(upload: File[bytes]) -> CheckedPhoto:
    """Check an upload, and remove its metadata. Raises PhotoRefused, DecoderUnavailable."""
    limits = photo_limits()
    if (upload.size or 0) > limits.max_bytes:
        megabytes = limits.max_bytes / 1024 / 1024
        raise PhotoRefused(f"The file is larger than {megabytes:.0f} MB. Choose a smaller copy.")
    upload.seek(0)
    data = upload.read()
    try:
        info, stripped = sandbox.accept_photo(data, limits)
    except InvalidImage as error:
        raise PhotoRefused(str(error)) from error
    _replace(upload, stripped)
    return CheckedPhoto(upload, info, hashlib.sha256(data).hexdigest(), _capture_time(info.captured_at))


def _replace(upload: File[bytes], data: bytes) -> None:
    """Replace the upload's bytes by those without metadata, so that nothing but the picture is stored."""
    upload.seek(0)
    upload.write(data)
    upload.truncate()
    upload.size = len(data)


def refuse_future(captured_at: datetime) -> None:
    """Raise PhotoRefused for a time in the future. The sender's clock may be ahead by CLOCK_TOLERANCE."""
    if captured_at > timezone.now() + CLOCK_TOLERANCE:
        raise PhotoRefused(
            f"{captured_at:%d %B %Y at %H:%M} is in the future. Give the time when the photo was taken, or none."
        )


def _capture_time(claimed: datetime | None) -> datetime | None:
    """Return the time in the photo; None if it names none, or one in the future because the camera's clock is wrong."""
    if claimed is None:
        return None
    now, tolerance = timezone.now(), CLOCK_TOLERANCE
    if timezone.is_naive(claimed):
        claimed, tolerance = timezone.make_aware(claimed), CLOCK_TOLERANCE + UNKNOWN_ZONE
    return min(claimed, now) if claimed <= now + tolerance else None


def render_preview(data: bytes) -> bytes:
    """Return an upright JPEG for browsers, at most PREVIEW_LONG_SIDE pixels long, without its metadata.

    Raises InvalidImage, DecoderUnavailable.
    """
    return sandbox.render_preview(data, photo_limits(), PREVIEW_LONG_SIDE, PREVIEW_QUALITY)
