"""Overwrites the metadata of HEIC and AVIF where it stands, and cuts off what follows the last box.

Boxes are those of ISO/IEC 14496-12: "iloc" says where the bytes of each item stand, and "iinf" what each item is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ml.errors import BROKEN, InvalidImage

Box = tuple[bytes, int, int, int]  # kind, start, start of its body, and end

PICTURE = (b"ftyp", b"meta", b"mdat", b"moov")
OF_ITEMS = (b"hdlr", b"dinf", b"pitm", b"iloc", b"iinf", b"iref", b"iprp", b"idat", b"grpl")
METADATA = (b"Exif", b"mime", b"uri ")
EMPTY_EXIF = bytes(4) + b"MM\0*\0\0\0\x08\0\0\0\0\0\0"
# Boxes of a film, and of an item's properties, that do not change how it is shown, and the boxes that hold them.
NOT_SHOWN = (b"udta", b"meta", b"uuid", b"free", b"skip", b"udes", b"altt")
HOLDING = (b"trak", b"mdia", b"minf", b"stbl", b"iprp", b"ipco")
OF_THE_FILE, OF_ITEM_DATA = 0, 1  # where the count of a place begins


@dataclass(frozen=True, slots=True)
class _Extent:
    """A part of an item."""

    kind: bytes
    start: int
    end: int


def blank_metadata_items(data: bytes) -> bytes:
    """Put zeros in place of EXIF, XMP and the like, and of all else that does not belong to the picture."""
    cleaned, last = bytearray(data), 0
    boxes = list(_boxes(data, 0, len(data)))
    for kind, start, body, end in boxes:
        if kind in PICTURE:
            last = end
        else:
            _empty(cleaned, start, end)
        if kind == b"meta":
            _clean_items(cleaned, data, boxes, body + 4, end)
        elif kind == b"moov":
            _clean_deeply(cleaned, data, body, end)
    return bytes(cleaned[:last])


def _empty(cleaned: bytearray, start: int, end: int) -> None:
    """Turn a box into free space, so that the others stay where they are."""
    cleaned[start:end] = (end - start).to_bytes(4) + b"free" + bytes(end - start - 8)


def _clean_deeply(cleaned: bytearray, data: bytes, start: int, end: int) -> None:
    """Empty the boxes, at any depth, that do not change how the film or the item is shown."""
    for kind, first, body, stop in _boxes(data, start, end):
        if kind in NOT_SHOWN:
            _empty(cleaned, first, stop)
        elif kind in HOLDING:
            _clean_deeply(cleaned, data, body, stop)


def _clean_items(cleaned: bytearray, data: bytes, boxes: list[Box], start: int, end: int) -> None:
    items = list(_boxes(data, start, end))
    inside = {kind: (body, stop) for kind, _, body, stop in items}
    if b"iinf" not in inside or b"iloc" not in inside:
        raise InvalidImage(BROKEN)
    for kind, first, _, stop in items:
        if kind not in OF_ITEMS:
            _empty(cleaned, first, stop)
    _clean_deeply(cleaned, data, *inside.get(b"iprp", (0, 0)))
    stored = [each for each in (*boxes, *items) if each[0] in (b"mdat", b"idat")]
    if not any(kind == b"moov" for kind, *_ in boxes):  # in a film some bytes belong to no item
        for _, _, body, stop in stored:
            cleaned[body:stop] = bytes(stop - body)
    extents = list(_extents(data, dict(_kinds(data, *inside[b"iinf"])), inside))
    for extent in extents:
        cleaned[extent.start : extent.end] = data[extent.start : extent.end]
    for extent in extents:
        if extent.kind in METADATA:
            length = extent.end - extent.start
            empty = EMPTY_EXIF if extent.kind == b"Exif" and length >= len(EMPTY_EXIF) else b""
            cleaned[extent.start : extent.end] = empty.ljust(length, b"\0")


def _boxes(data: bytes, position: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two places, up to one that does not fit."""
    while position + 8 <= end:
        size, kind = int.from_bytes(data[position : position + 4]), data[position + 4 : position + 8]
        body = position + 8
        if size == 1:
            size, body = int.from_bytes(data[body : body + 8]), body + 8
        stop = end if size == 0 else position + size
        if stop < body or stop > end:
            return
        yield kind, position, body, stop
        position = stop


def _kinds(data: bytes, body: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the kind of each item."""
    entries = body + 4 + (2 if data[body] == 0 else 4)
    for kind, _, at, _ in _boxes(data, entries, end):
        if kind == b"infe" and data[at] >= 2:
            number = 2 if data[at] == 2 else 4
            name = at + 4 + number + 2
            yield int.from_bytes(data[at + 4 : at + 4 + number]), data[name : name + 4]


def _extents(data: bytes, kinds: dict[int, bytes], inside: dict[bytes, tuple[int, int]]) -> Iterator[_Extent]:
    items_data = inside.get(b"idat", (0, 0))[0]
    for item, place, length in _places(data, inside[b"iloc"][0], items_data):
        yield _Extent(kinds.get(item, b""), place, min(place + (length or len(data)), len(data)))


def _places(data: bytes, body: int, items_data: int) -> Iterator[tuple[int, int, int]]:
    """Yield each extent of each item: the item's number, where it stands, and its length (0: to the end)."""
    version, position = data[body], body + 4

    def number(size: int) -> int:
        nonlocal position
        position += size
        return int.from_bytes(data[position - size : position])

    sizes = number(2)
    offset_size, length_size, base_size, index_size = (sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15)
    wide = 4 if version == 2 else 2
    for _ in range(number(wide)):
        item = number(wide)
        method = number(2) & 15 if version else OF_THE_FILE
        if method not in (OF_THE_FILE, OF_ITEM_DATA):
            raise InvalidImage("The photo is stored in parts that refer to each other. Save it again as a JPEG.")
        number(2)
        base = number(base_size) + (items_data if method == OF_ITEM_DATA else 0)
        for _ in range(number(2)):
            if version:
                number(index_size)
            offset = number(offset_size)
            yield item, base + offset, number(length_size)
            if position > len(data):
                return
