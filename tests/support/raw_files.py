"""Make RAW files of cameras as a TIFF reader sees them: first a preview of 160 x 120, elsewhere the picture."""

import struct
from collections.abc import Mapping

from PIL import Image

WIDTH, HEIGHT = 160, 120
SHORT, LONG, BYTE = 3, 4, 1
SUB_DIRECTORIES = 330
DNG_VERSION = {50_706: (BYTE, b"\1\4\0\0")}
REDUCED = {254: (LONG, 1)}
SENSOR = {262: (SHORT, 32_803)}

Tags = Mapping[int, tuple[int, int | bytes]]  # each tag with its type and value


def raw(photo: Image.Image, first: Tags, second: Tags | None = None, order: str = "<") -> bytes:
    """Return a TIFF of a preview with the tags of `first` and, if given, of a photo with those of `second`."""
    small, large = photo.resize((WIDTH, HEIGHT)), photo if second is not None else None
    small_at = 8
    large_at = small_at + WIDTH * HEIGHT * 3
    second_at = large_at + (large.width * large.height * 3 if large else 0)
    second_at += second_at % 2
    body = small.tobytes() + (large.tobytes() if large else b"")
    body += bytes(second_at - 8 - len(body))
    directory = b""
    if large:
        directory = _directory(large, large_at, second or {}, second_at, order)
        first = {SUB_DIRECTORIES: (LONG, second_at), **first}
    first_at = second_at + len(directory)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    header = mark + struct.pack(f"{order}I", first_at)
    return header + body + directory + _directory(small, small_at, first, first_at, order)


def _directory(picture: Image.Image, pixels_at: int, more: Tags, at: int, order: str) -> bytes:
    tags: dict[int, tuple[int, int | bytes]] = {
        256: (LONG, picture.width),
        257: (LONG, picture.height),
        258: (SHORT, 8),
        259: (SHORT, 1),
        262: (SHORT, 2),
        273: (LONG, pixels_at),
        277: (SHORT, 3),
        278: (LONG, picture.height),
        279: (LONG, picture.width * picture.height * 3),
        **more,
    }
    bits_at = at + 2 + len(tags) * 12 + 4
    rows = b"".join(_entry(tag, *tags[tag], order) for tag in sorted(tags) if tag != 258)
    bits = struct.pack(f"{order}HHII", 258, SHORT, 3, bits_at)
    place = 12 * sum(tag < 258 for tag in tags)
    rows = rows[:place] + bits + rows[place:]
    return struct.pack(f"{order}H", len(tags)) + rows + bytes(4) + struct.pack(f"{order}HHH", 8, 8, 8)


def _entry(tag: int, kind: int, value: int | bytes, order: str) -> bytes:
    if isinstance(value, bytes):
        return struct.pack(f"{order}HHI", tag, kind, len(value)) + value
    packed = struct.pack(f"{order}HH", value, 0) if kind == SHORT else struct.pack(f"{order}I", value)
    return struct.pack(f"{order}HHI", tag, kind, 1) + packed
