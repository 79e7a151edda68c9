"""Keeps of each format only the stored pixels, what colours they mean, and which way is up."""

import struct
from itertools import islice

from ml.formats.jpeg import read_jpeg, read_segments
from ml.formats.png import MAX_CHUNKS, SIGNATURE, build_chunk, read_chunks, read_png
from ml.stripping.boxes import blank_metadata_items
from ml.stripping.tiff import remove_tags

ICC = b"ICC_PROFILE\0"
PNG_COLOURS = {b"sRGB": 1, b"gAMA": 4, b"cHRM": 32, b"cICP": 4}  # and bytes of each
PNG_PROFILE = b"iCCP"
PNG_HEADER_BYTES = len(SIGNATURE) + 25  # the signature and IHDR
WEBP_KEPT = (b"VP8 ", b"VP8L", b"ALPH", b"ICCP")
WEBP_HAS_EXIF, WEBP_HAS_XMP = 0x08, 0x04


def remove_metadata(photo_format: str, data: bytes, orientation: int) -> bytes:
    """Return a file with the same pixels, colours and orientation (1..8), and nothing else."""
    if photo_format == "JPEG":
        return _jpeg(data, orientation)
    if photo_format == "PNG":
        return _png(data, orientation)
    if photo_format == "WebP":
        return _webp(data, orientation)
    if photo_format == "BMP":
        return _bmp(data)
    if photo_format == "TIFF":
        return remove_tags(data)
    return blank_metadata_items(data)


def _exif(orientation: int) -> bytes:
    """Return a TIFF directory with one tag; empty if the picture need not be turned."""
    if orientation == 1:
        return b""
    return struct.pack(">2sHLHHHLHHL", b"MM", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def _jpeg(data: bytes, orientation: int) -> bytes:
    picture = read_jpeg(data).picture
    exif = _exif(orientation)
    parts = [b"\xff\xe1" + (len(exif) + 8).to_bytes(2) + b"Exif\0\0" + exif] if exif else []
    parts += [segment for marker, segment in read_segments(data) if marker == 0xE2 and segment[4:].startswith(ICC)]
    return picture[:2] + b"".join(parts) + picture[2:]


def _png(data: bytes, orientation: int) -> bytes:
    picture = read_png(data).picture
    parts = [
        build_chunk(kind, bytes(body))
        for kind, body, _ in islice(read_chunks(data), MAX_CHUNKS)
        if kind == PNG_PROFILE or PNG_COLOURS.get(kind) == len(body)
    ]
    if exif := _exif(orientation):
        parts.append(build_chunk(b"eXIf", exif))
    return picture[:PNG_HEADER_BYTES] + b"".join(parts) + picture[PNG_HEADER_BYTES:]


def _webp(data: bytes, orientation: int) -> bytes:
    exif = _exif(orientation)
    parts, position = [], 12
    end = min(8 + int.from_bytes(data[4:8], "little"), len(data))
    while position + 8 <= end:
        kind, size = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        body = data[position + 8 : position + 8 + size]
        if kind == b"VP8X":
            flags = body[0] & ~(WEBP_HAS_EXIF | WEBP_HAS_XMP) | (WEBP_HAS_EXIF if exif else 0)
            parts.append(_riff(kind, bytes([flags]) + body[1:]))
        elif kind in WEBP_KEPT:
            parts.append(_riff(kind, body))
        position += 8 + size + size % 2
    if exif:
        parts.append(_riff(b"EXIF", exif))
    return _riff(b"RIFF", b"WEBP" + b"".join(parts))


def _riff(kind: bytes, body: bytes) -> bytes:
    return kind + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)


def _bmp(data: bytes) -> bytes:
    """Cut off what follows the last row. A BMP holds no other metadata."""
    start, header = struct.unpack_from("<LL", data, 10)
    if header == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
    else:
        width, height, _, bits = struct.unpack_from("<iiHH", data, 18)
    row = (abs(width) * bits + 31) // 32 * 4
    return data[: start + row * abs(height)]
