"""Finds out how much the tags of a TIFF or of EXIF would take to read, before any reader sees them."""

import struct
from collections.abc import Iterator

from ml.errors import InvalidImage

EXIF_PREFIX = b"Exif\0\0"  # Pillow removes it twice
MAX_EXIF_BYTES = 4 * 1024 * 1024
MAX_TAGS = 1000
DIRECTORIES = (0x8769, 0x8825, 0xA005)  # tags that point to more tags: details, place, interoperability
VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}  # by type


def is_exif_within_limits(exif: bytes) -> bool:
    """Tell whether EXIF is small enough to be read."""
    tiff = exif.removeprefix(EXIF_PREFIX).removeprefix(EXIF_PREFIX)
    return len(exif) <= MAX_EXIF_BYTES and are_tags_within_limits(tiff)


def refuse_many_tags(tiff: bytes) -> None:
    """Raise InvalidImage for a TIFF whose tags would take more to read than its pixels."""
    if not are_tags_within_limits(tiff):
        raise InvalidImage("The photo says more of itself than any camera writes. Save it again as a JPEG.")


def are_tags_within_limits(tiff: bytes) -> bool:
    """Tell whether there are at most MAX_TAGS, and their values do not share bytes to become larger than the file.

    Only the first page of a TIFF counts, as no other is read.
    """
    total = 0
    for tags, size in enumerate(_value_sizes(tiff), start=1):
        total += size
        if tags > MAX_TAGS or total > 2 * len(tiff):
            return False
    return True


def _value_sizes(tiff: bytes) -> Iterator[int]:
    order = ">" if tiff[:2] == b"MM" else "<"
    waiting, seen = [_number(tiff, 4, order + "L")], set()
    while waiting:
        start = waiting.pop()
        if start in seen or start < 8:
            continue
        seen.add(start)
        count = _number(tiff, start, order + "H")
        for place in range(start + 2, min(start + 2 + 12 * count, len(tiff) - 11), 12):
            tag, kind, values, offset = struct.unpack_from(order + "HHLL", tiff, place)
            size = VALUE_BYTES.get(kind, 1) * values
            yield size if size <= 4 else max(min(size, len(tiff) - offset), 0)  # a small value stands in the tag itself
            if tag in DIRECTORIES:
                waiting.append(offset)


def _number(tiff: bytes, place: int, form: str) -> int:
    """Read the number at a place; 0 behind the end."""
    if place + struct.calcsize(form) > len(tiff):
        return 0
    return int(struct.unpack_from(form, tiff, place)[0])
