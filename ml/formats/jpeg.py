"""Finds the parts of a JPEG without decoding it, and keeps those that a decoder needs. Works on bytes only.

Markers are those of ITU-T T.81, table B.1. Flawed parts beside the picture are dropped, as browsers ignore them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ml.errors import BROKEN, InvalidImage

START, END, SCAN = 0xD8, 0xD9, 0xDA
TABLES = (0xC4, 0xDB, 0xDD)  # Huffman codes, quantisation, restart interval
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
FRAMES = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0), 0xF7)  # the last: JPEG-LS
ARITHMETIC = range(0xC9, 0xD0)
LOSSLESS = (0xC3, 0xCB, 0xF7)
WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD8))
JFIF, EXIF, ADOBE = 0xE0, 0xE1, 0xEE

# Bytes between two segments are skipped. A restart marker belongs to the scan around it.
NEXT_SEGMENT = re.compile(rb"\xff[^\x00\xff]")
AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")

# Ordinary JPEGs have 1 to 12. Each scan takes time for every pixel, and may have only a few bytes.
MAX_SCANS = 100
# A photo has dozens, or hundreds with large metadata. Each costs time, and may have only four bytes.
MAX_SEGMENTS = 2000

SAVE_AGAIN = "Save it again as an ordinary JPEG."

PLAIN_JFIF = b"\xff\xe0\x00\x10JFIF\0\1\1\0\0\1\0\1\0\0"
ADOBE_BYTES = 14  # in the segment, without its marker
END_MARKER = b"\xff\xd9"
# Two continuations of a scan. They give two different pictures if the scan lacks any pixels.
FILLINGS = (bytes(64), b"\xfe\x5a" * 32)


@dataclass(frozen=True, slots=True)
class Jpeg:
    """What is known of a JPEG, and its picture without anything else."""

    width: int
    height: int
    components: int  # 1 for grey, 3 for colours, 4 for inks
    process: int  # BASELINE, EXTENDED or PROGRESSIVE
    scans: tuple[int, ...]  # the number of components in each scan
    exif: bytes  # as TIFF, empty if there is none
    picture: bytes  # a JPEG of the parts that a decoder needs, without what follows its end
    has_end: bool  # if not, it is cut off or lacks only the end marker; `picture` has one anyway

    @property
    def comes_in_parts(self) -> bool:
        """Tell whether a decoder keeps the whole picture, because the next scan may add to any part of it."""
        return self.process == PROGRESSIVE or min(self.scans) < self.components

    @property
    def continuations(self) -> tuple[bytes, ...]:
        """Return two JPEGs made from one without its end. They show the same picture if nothing else is missing."""
        scan = self.picture[: -len(END_MARKER)].rstrip(b"\0")  # zeros are left by a copy that was cut off
        whole = scan + b"\0" if scan.endswith(b"\xff") else scan
        return tuple(whole + filling + END_MARKER for filling in FILLINGS)


def read_jpeg(data: bytes) -> Jpeg:
    """Find the parts of a JPEG, and refuse what the decoder must not see.

    Raises InvalidImage with a sentence for the photo's owner.
    """
    parts, scans, frame, exif, has_end = [b"\xff\xd8"], [], None, b"", False
    for marker, segment in read_segments(data):
        if marker in FRAMES:
            if frame is not None:
                raise InvalidImage(BROKEN)
            frame = _Frame.read(marker, segment)
            parts.append(segment)
        elif marker == SCAN:
            scans.append(_components_of_scan(segment, frame))
            if len(scans) > MAX_SCANS:
                raise InvalidImage(
                    f"The photo is stored in more than {MAX_SCANS} passes, which takes too long to read. {SAVE_AGAIN}"
                )
            parts.append(segment)
        elif marker in TABLES:
            parts.append(segment)
        elif marker == EXIF and not scans and segment[4:10] == b"Exif\0\0":
            exif = exif or segment[10:]
        elif marker == END:
            has_end = True
        else:
            parts.append(_colour_model(marker, segment))
    if frame is None or not scans:
        raise InvalidImage(BROKEN)
    picture = b"".join((*parts, END_MARKER))
    return Jpeg(frame.width, frame.height, frame.components, frame.process, tuple(scans), exif, picture, has_end)


def read_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each segment's marker and bytes up to the end marker; a scan includes its compressed data."""
    position = 2
    for _ in range(MAX_SEGMENTS):
        if not (found := NEXT_SEGMENT.search(data, position)):
            return
        marker = found[0][1]
        position = found.end()
        if marker in WITHOUT_LENGTH:
            continue
        if marker == END:
            yield marker, b""
            return
        # The length includes its own two bytes; a flawed one says less.
        position += max(int.from_bytes(data[position : position + 2]), 2)
        if marker == SCAN:
            after = AFTER_SCAN.search(data, position)
            position = after.start() if after else len(data)
        yield marker, data[found.start() : position]
    raise InvalidImage(f"The photo has more parts than any camera writes. {SAVE_AGAIN}")


@dataclass(frozen=True, slots=True)
class _Frame:
    process: int
    width: int
    height: int
    components: int

    @classmethod
    def read(cls, process: int, segment: bytes) -> "_Frame":
        if len(segment) < 10:
            raise InvalidImage(BROKEN)
        bits, components = segment[4], segment[9]
        if kind := _unreadable_kind(process, bits, components):
            raise InvalidImage(f"This kind of JPEG ({kind}) cannot be read. {SAVE_AGAIN}")
        height, width = int.from_bytes(segment[5:7]), int.from_bytes(segment[7:9])
        return cls(process, width, height, components)


def _unreadable_kind(process: int, bits: int, components: int) -> str:
    if process in LOSSLESS:
        return "lossless"
    if process in ARITHMETIC:
        return "arithmetic coding"
    if process not in (BASELINE, EXTENDED, PROGRESSIVE):
        return "hierarchical"
    if bits != 8:
        return f"{bits} bits a colour"
    return "" if components in (1, 3, 4) else f"{components} components"


def _components_of_scan(segment: bytes, frame: _Frame | None) -> int:
    if frame is None or len(segment) < 5:
        raise InvalidImage(BROKEN)
    return segment[4]


def _colour_model(marker: int, segment: bytes) -> bytes:
    """Return only what a segment says of how colours are stored; empty if it says nothing of that."""
    if marker == JFIF and segment[4:9] == b"JFIF\0" and len(segment) >= len(PLAIN_JFIF):
        return PLAIN_JFIF
    if marker == ADOBE and segment[4:9] == b"Adobe" and len(segment) >= 2 + ADOBE_BYTES:
        return segment[:2] + ADOBE_BYTES.to_bytes(2) + segment[4 : 2 + ADOBE_BYTES]
    return b""
