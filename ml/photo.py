"""What is said of a photo between those that decode it and those that ask for it. Loads no decoder."""

from dataclasses import dataclass
from datetime import datetime

from ml import types

MEGABYTE = 1024 * 1024
MEGAPIXEL = 1_000_000

FORMATS = ("JPEG", "PNG", "WebP", "HEIC", "AVIF", "BMP", "TIFF")
ACCEPTED = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"


@dataclass(frozen=True, slots=True)
class PhotoLimits:
    """What a photo may take."""

    max_bytes: int = 25 * MEGABYTE
    max_pixels: int = 60 * MEGAPIXEL  # that are decoded
    memory: int = 700 * MEGABYTE  # bytes of its decoder
    seconds: int = 5  # of processor


@dataclass(frozen=True, slots=True)
class PhotoInfo:
    """What a photo says of itself."""

    format: str  # one of FORMATS
    extension: str  # with the dot, for naming a stored copy
    width: int  # pixels, upright
    height: int
    captured_at: datetime | None  # EXIF DateTimeOriginal; naive when the camera wrote no offset


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """A photo at the original's size or reduced, with the size that the original has."""

    image: types.Image  # upright, RGB
    width: int  # pixels of the upright original
    height: int

    @property
    def scale(self) -> float:
        """Pixels of the original for one pixel of the image."""
        height, width = self.image.shape[:2]
        return max(self.width, self.height) / max(int(height), int(width))
