"""What HEIC and AVIF say beside the picture is written over, where it stands, and what follows their parts cut off.

Boxes are those of ISO/IEC 14496-12: where each item's bytes stand says "iloc", and what each is "iinf".
"""

from collections.abc import Iterator

from ml.errors import BROKEN, InvalidImage

PICTURE = (b"ftyp", b"meta", b"mdat", b"free", b"skip", b"moov")
METADATA = (b"Exif", b"mime", b"uri ")
EMPTY_EXIF = bytes(4) + b"MM\0*\0\0\0\x08\0\0\0\0\0\0"


def without_items(data: bytes) -> bytes:
    """Zeros in place of EXIF, XMP and the like, and of boxes that are none of the picture."""
    cleaned, last = bytearray(data), 0
    for kind, start, body, end in _boxes(data, 0, len(data)):
        if kind in PICTURE:
            last = end
        else:
            cleaned[start:end] = (end - start).to_bytes(4) + b"free" + bytes(end - start - 8)
        if kind == b"meta":
            _clean_items(cleaned, data, body + 4, end)
    return bytes(cleaned[:last])


def _clean_items(cleaned: bytearray, data: bytes, start: int, end: int) -> None:
    inside = {kind: (body, end) for kind, _, body, end in _boxes(data, start, end)}
    if b"iinf" not in inside or b"iloc" not in inside:
        raise InvalidImage(BROKEN)
    kinds = dict(_kinds(data, *inside[b"iinf"]))
    items_data = inside.get(b"idat", (0, 0))[0]
    for item, place, length in _places(data, inside[b"iloc"][0], items_data):
        if kinds.get(item) in METADATA:
            length = min(length or len(data), len(data) - place)
            empty = EMPTY_EXIF if kinds[item] == b"Exif" and length >= len(EMPTY_EXIF) else b""
            cleaned[place : place + length] = empty.ljust(length, b"\0")


def _boxes(data: bytes, position: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Each box's kind, start, start of its body, and end."""
    while position + 8 <= end:
        size, kind, body = (
            int.from_bytes(data[position : position + 4]),
            data[position + 4 : position + 8],
            position + 8,
        )
        if size == 1:
            size, body = int.from_bytes(data[body : body + 8]), body + 8
        stop = end if size == 0 else position + size
        if stop < body or stop > end:
            return
        yield kind, position, body, stop
        position = stop


def _kinds(data: bytes, body: int, end: int) -> Iterator[tuple[int, bytes]]:
    entries = body + 4 + (2 if data[body] == 0 else 4)
    for kind, _, at, _ in _boxes(data, entries, end):
        if kind == b"infe" and data[at] >= 2:
            number = 2 if data[at] == 2 else 4
            name = at + 4 + number + 2
            yield int.from_bytes(data[at + 4 : at + 4 + number]), data[name : name + 4]


def _places(data: bytes, body: int, items_data: int) -> Iterator[tuple[int, int, int]]:
    """Each extent of each item: the item's number, where it stands, and how long it is."""
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
        method = number(2) & 15 if version else 0
        number(2)
        base = number(base_size) + (items_data if method == 1 else 0)
        for _ in range(number(2)):
            if version:
                number(index_size)
            offset = number(offset_size)
            yield item, base + offset, number(length_size)
            if position > len(data):
                return
