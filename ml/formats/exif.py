"""Reads what a camera wrote into a photo: which way is up, and when it was taken. Uses Pillow only."""

import re
from datetime import datetime

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import TiffImageFile

from ml.formats.tags import is_exif_within_limits

# Other years come from clocks that were never set. No time zone moves these beyond what a datetime can hold.
YEARS = range(1901, 9000)

# EXIF has "2024:05:17 14:03:02"; some programs write dashes, a "T", fractions of a second or the offset.
TIME = re.compile(r"(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T]+(\d\d:\d\d:\d\d)(?:[.,]\d+)? *(Z|[+-]\d\d:?\d\d)?")


def parse_exif(tiff: bytes) -> Image.Exif:
    """Parse the EXIF of a photo; empty where it is broken, as the photo can still be good."""
    exif = Image.Exif()
    if not is_exif_within_limits(tiff):
        return exif
    try:
        exif.load(tiff)
    except Exception:  # Pillow raises many types
        return Image.Exif()
    return exif


def read_tiff_exif(image: TiffImageFile) -> Image.Exif:
    """Read the EXIF of a TIFF, which is among its own tags."""
    # Without this, Pillow would turn the picture as its XMP says.
    image.info.pop("xmp", None)
    try:
        return image.getexif()
    except Exception:
        return Image.Exif()


def read_orientation(exif: Image.Exif) -> int:
    """Return the orientation, 1..8; 1 if there is none."""
    value = exif.get(ExifTags.Base.Orientation, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def read_capture_time(exif: Image.Exif) -> datetime | None:
    """Return DateTimeOriginal with OffsetTimeOriginal; naive without an offset, None outside YEARS."""
    try:
        details = exif.get_ifd(ExifTags.IFD.Exif)
        taken = str(details[ExifTags.Base.DateTimeOriginal])
        offset = str(details.get(ExifTags.Base.OffsetTimeOriginal, ""))
    except Exception:  # Pillow raises many types on broken EXIF
        return None
    found = _parse_time(taken, offset) or _parse_time(taken)
    return found if found and found.year in YEARS else None


def _parse_time(taken: str, offset: str = "") -> datetime | None:
    parts = TIME.fullmatch(taken.strip("\0 "))
    if not parts:
        return None
    year, month, day, time, own_offset = parts.groups()
    try:
        return datetime.fromisoformat(f"{year}-{month}-{day} {time}{own_offset or offset.strip(chr(0) + ' ')}")
    except ValueError:
        return None
