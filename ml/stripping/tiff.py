"""Keeps of a TIFF only the pixels and the tags that say how they are stored, each where it stands."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ml.formats.tags import VALUE_BYTES

# Tags of TIFF 6.0: size, layout, compression, colours, which way is up, resolution and tables. The last: the profile.
LAYOUT = (254, 255, 256, 257, 258, 259, 262, 263, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 290, 291, 292)
DETAILS = (293, 296, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 332, 338, 339, 340, 341, 347, 529, 530, 531, 532)
OLD_JPEG = range(512, 522)
KEPT = {*LAYOUT, *DETAILS, *OLD_JPEG, 34_675}
PIXELS = {273: 279, 324: 325, 513: 514}  # tags with the places of the pixels, and those with their lengths in bytes
TABLES = {519: 64, 520: 272, 521: 272}  # tags with the places of an old JPEG's tables, and the most bytes of each
ENTRY = 12
FORMS = {3: "H", 4: "L"}


def remove_tags(data: bytes) -> bytes:
    """Return the first page with its pixels where they are; all else in the file becomes zeros."""
    order = ">" if data[:2] == b"MM" else "<"
    (start,) = struct.unpack_from(order + "L", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    entries = [_Entry(data, order, place) for place in range(start + 2, start + 2 + ENTRY * count, ENTRY)]
    kept = [entry for entry in entries if entry.tag in KEPT]
    directory = struct.pack(order + "H", len(kept)) + b"".join(entry.whole for entry in kept) + bytes(4)
    used = [(0, 8), *_used({entry.tag: entry for entry in kept})]
    end = max(start + len(directory), *(stop for _, stop in used))
    stripped = bytearray(min(end, len(data)))
    for first, stop in used:
        stripped[first:stop] = data[first:stop]
    stripped[start : start + len(directory)] = directory
    return bytes(stripped)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One tag of a directory, at its place in the file."""

    data: bytes
    order: str
    place: int

    @property
    def whole(self) -> bytes:
        return self.data[self.place : self.place + ENTRY]

    @property
    def tag(self) -> int:
        return int(struct.unpack(self.order + "H", self.whole[:2])[0])

    @property
    def value(self) -> tuple[int, int]:
        """Return where the value begins and ends."""
        kind, count, offset = struct.unpack(self.order + "HLL", self.whole[2:])
        size = VALUE_BYTES.get(kind, 1) * count
        first = self.place + 8 if size <= 4 else offset
        return first, min(first + size, len(self.data))

    @property
    def numbers(self) -> tuple[int, ...]:
        form = FORMS.get(struct.unpack(self.order + "H", self.whole[2:4])[0], "B")
        first, stop = self.value
        count = max(stop - first, 0) // struct.calcsize(self.order + form)
        return struct.unpack_from(f"{self.order}{count}{form}", self.data, first)


def _used(kept: dict[int, _Entry]) -> Iterator[tuple[int, int]]:
    """Yield the parts of the file, from the first byte to behind the last, that hold values and pixels."""
    end = len(next(iter(kept.values())).data) if kept else 0
    for entry in kept.values():
        yield entry.value
    for places, sizes in PIXELS.items():
        if places in kept:
            # Some old programs write no lengths; the pixels then reach to the end.
            lengths = kept[sizes].numbers if sizes in kept else (end,) * len(kept[places].numbers)
            for first, length in zip(kept[places].numbers, lengths, strict=False):
                yield first, min(first + length, end)
    for places, length in TABLES.items():
        for first in kept[places].numbers if places in kept else ():
            yield first, min(first + length, end)
