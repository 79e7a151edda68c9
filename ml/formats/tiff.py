"""Reads the directories of a TIFF without decoding it. Works on bytes only.

Tags are those of TIFF 6.0, TIFF/EP (ISO 12234-2) and DNG. The RAW files of most cameras are TIFFs whose first picture
is a preview.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ml.errors import InvalidImage

REDUCED = 1  # a bit of NEW_SUBFILE_TYPE
NEW_SUBFILE_TYPE, WIDTH, HEIGHT, PHOTOMETRIC, SUB_DIRECTORIES, DNG_VERSION = 254, 256, 257, 262, 330, 50_706
SENSOR = (32_803, 34_892)  # PHOTOMETRIC of sensor data that is no picture yet
CANON = b"CR"  # after the header of a CR2

BYTES_OF_TYPE = {3: 2, 4: 4, 13: 4}  # SHORT, LONG and IFD
MAX_VALUES = 16  # are read of a tag; cameras write up to five directories beside the first
ENTRY_BYTES = 12


def refuse_raw(data: bytes) -> None:
    """Raise InvalidImage for a RAW file, and for any other file whose first picture is only a preview."""
    tiff = _Tiff(data, "little" if data[:2] == b"II" else "big")
    first = tiff.directory(tiff.number(4, 4))
    pixels = _pixels(first)
    others = [tiff.directory(start) for start in first.get(SUB_DIRECTORIES, ())]
    if (
        data[8:10] == CANON
        or DNG_VERSION in first
        or (others and first.get(NEW_SUBFILE_TYPE, (0,))[0] & REDUCED)
        or any(each.get(PHOTOMETRIC, (0,))[0] in SENSOR for each in (first, *others))
        or any(_pixels(each) > pixels for each in others)
    ):
        raise raw_file_error()


def raw_file_error() -> InvalidImage:
    """Return the error for a RAW file."""
    return InvalidImage(
        "This is a RAW file of a camera, such as DNG or NEF, of which only a small preview can be read."
        " Export the photo as a JPEG, or use the JPEG that the camera saved with it."
    )


def _pixels(directory: dict[int, tuple[int, ...]]) -> int:
    return directory.get(WIDTH, (0,))[0] * directory.get(HEIGHT, (0,))[0]


@dataclass(frozen=True, slots=True)
class _Tiff:
    data: bytes
    order: Literal["little", "big"]

    def number(self, position: int, length: int) -> int:
        """Read a number; 0 behind the end of the file."""
        return int.from_bytes(self.data[position : position + length], self.order)

    def directory(self, start: int) -> dict[int, tuple[int, ...]]:
        """Return the values of each tag that holds numbers; only the first few of each are read."""
        return dict(self._entries(start))

    def _entries(self, start: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        for entry in range(self.number(start, 2)):
            position = start + 2 + entry * ENTRY_BYTES
            if position + ENTRY_BYTES > len(self.data):
                return
            tag, size = self.number(position, 2), BYTES_OF_TYPE.get(self.number(position + 2, 2), 1)
            count = self.number(position + 4, 4)
            values = position + 8 if count * size <= 4 else self.number(position + 8, 4)
            places = range(values, values + size * min(count or 1, MAX_VALUES), size)
            yield tag, tuple(self.number(place, size) for place in places)
