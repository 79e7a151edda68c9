"""The values that those who decode photos and those who ask for them exchange. Loads no decoder."""

from dataclasses import dataclass
from datetime import datetime

from ml import types

MEGABYTE = 1024 * 1024
MEGAPIXEL = 1_000_000

FORMATS = ("JPEG", "PNG", "WebP", "HEIC", "AVIF", "BMP", "TIFF")
ACCEPTED = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"


@dataclass(frozen=True, slots=True)
class PhotoLimits:
    """What reading one photo may cost."""

    max_bytes: int = 25 * MEGABYTE
    max_pixels: int = 60 * MEGAPIXEL  # after decoding
    memory: int = 700 * MEGABYTE  # bytes of the decoder's process
    seconds: int = 5  # of processor time


@dataclass(frozen=True, slots=True)
class PhotoInfo:
    """What a photo's file says about it."""

    format: str  # one of FORMATS
    extension: str  # with the dot, for naming a stored copy
    width: int  # pixels, upright
    height: int
    captured_at: datetime | None  # EXIF DateTimeOriginal; naive when the camera wrote no offset


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """A photo in its original size or reduced, with the original size."""

    image: types.Image  # upright, RGB
    width: int  # pixels of the upright original
    height: int

    @property
    def scale(self) -> float:
        """Return the pixels of the original for one pixel of the image."""
        height, width = self.image.shape[:2]
        return max(self.width, self.height) / max(int(height), int(width))
