"""What is checked of an uploaded file before a row is made for it, and how it is shown again."""

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
# A camera that writes no time zone may be this far from the server's.
UNKNOWN_ZONE = timedelta(hours=26)


class PhotoRefused(ValueError):
    """The upload cannot become a snapshot; the message tells staff why and what to do."""


@dataclass(frozen=True, slots=True)
class CheckedPhoto:
    """An upload that is a photo within the limits."""

    upload: File[bytes]
    info: PhotoInfo
    sha256: str  # of the file as it came, by which the same photo is known again
    captured_at: datetime | None  # aware; None when the photo does not say, or names a time that has not come yet

    @property
    def name(self) -> str:
        return self.upload.name or ""

    @property
    def clock_hint(self) -> str:
        """What staff should know of the camera's clock; empty when it may be right."""
        said = self.info.captured_at
        if said is None or self.captured_at:
            return ""
        return (
            f"{self.name} says it was taken on {said:%d %B %Y at %H:%M}, which is in the future. The time of the"
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
    """Look at an upload, and take its metadata from it. Raises PhotoRefused, DecoderUnavailable."""
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
    """What is stored says nothing of where the photo was taken, nor of anything else beside the picture."""
    upload.seek(0)
    upload.write(data)
    upload.truncate()
    upload.size = len(data)


def refuse_future(captured_at: datetime) -> None:
    """Raises PhotoRefused for a given time that has not come yet; the sender's clock may be a little ahead."""
    if captured_at > timezone.now() + CLOCK_TOLERANCE:
        raise PhotoRefused(
            f"{captured_at:%d %B %Y at %H:%M} is in the future. Give the time when the photo was taken, or none."
        )


def _capture_time(said: datetime | None) -> datetime | None:
    """What the camera says, unless its clock is ahead: then the photo is as good as one without a date."""
    if said is None:
        return None
    now, tolerance = timezone.now(), CLOCK_TOLERANCE
    if timezone.is_naive(said):
        said, tolerance = timezone.make_aware(said), CLOCK_TOLERANCE + UNKNOWN_ZONE
    return min(said, now) if said <= now + tolerance else None


def render_preview(data: bytes) -> bytes:
    """A photo's upright JPEG for browsers, at most PREVIEW_LONG_SIDE pixels long, without its metadata.

    Raises InvalidImage, DecoderUnavailable.
    """
    return sandbox.render_preview(data, photo_limits(), PREVIEW_LONG_SIDE, PREVIEW_QUALITY)
