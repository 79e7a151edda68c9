"""Finds the chunks of a PNG without decoding it, and keeps those that a decoder needs. Works on bytes only.

Flawed or large chunks beside the picture are dropped, as browsers ignore them.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from ml.errors import BROKEN, InvalidImage

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FRAME_BYTES = 12  # around each chunk's body: length, kind and checksum
NEEDED = (b"IHDR", b"PLTE")
# Encoders write some kilobytes in each; to go through many more would only take long.
MAX_CHUNKS = 100_000

PALETTE_COLOURS = 3  # the colour types of IHDR
TRANSPARENCY_BYTES = {0: range(2, 3), 2: range(6, 7), PALETTE_COLOURS: range(1, 257)}


@dataclass(frozen=True, slots=True)
class Png:
    """What is known of a PNG, and its picture without anything else."""

    exif: bytes  # as TIFF, empty if there is none; some programs write it after the pixels
    animated: bool
    picture: bytes  # a PNG of the chunks that a decoder needs
    # If not, only decoding tells whether the pixels are good, as the end is missing or a checksum is wrong. `picture`
    # has both anyway.
    is_sound: bool


def read_png(data: bytes) -> Png:
    """Find the chunks of a PNG, and check those that make the picture.

    Raises InvalidImage with a sentence for the photo's owner.
    """
    parts: list[bytes | memoryview] = [SIGNATURE]
    colour_type, exif, animated, has_end, has_pixels, is_sound = None, b"", False, False, False, True
    for kind, body, whole in islice(read_chunks(data), MAX_CHUNKS):
        if kind == b"IEND":
            has_end = True
            break
        sound = zlib.crc32(body, zlib.crc32(kind)) == int.from_bytes(whole[-4:])
        if kind in NEEDED and not sound:
            raise InvalidImage(BROKEN)
        if kind == b"IHDR":
            if colour_type is not None or len(body) != 13:
                raise InvalidImage(BROKEN)
            colour_type = body[9]
        if kind == b"IDAT":
            # The pixels have another checksum inside the compressed data.
            parts.append(whole if sound else build_chunk(kind, bytes(body)))
            has_pixels, is_sound = True, is_sound and sound
        elif kind == b"IHDR" or _fits_colour_type(colour_type, kind, len(body), sound):
            parts.append(whole)
        elif kind == b"eXIf" and sound:
            exif = exif or bytes(body)
        elif kind == b"acTL" and sound and not has_pixels:
            animated = int.from_bytes(body[:4]) > 1
    if colour_type is None:
        raise InvalidImage(BROKEN)
    return Png(exif, animated, b"".join((*parts, build_chunk(b"IEND"))), has_end and is_sound)


def read_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, memoryview]]:
    """Yield each chunk's kind, body, and all of its bytes, up to a chunk that is cut off."""
    view, position = memoryview(data), len(SIGNATURE)
    while position + FRAME_BYTES <= len(data):
        length = int.from_bytes(view[position : position + 4])
        whole = view[position : position + FRAME_BYTES + length]
        if len(whole) < FRAME_BYTES + length:
            return
        yield bytes(whole[4:8]), whole[8:-4], whole
        position += len(whole)


def _fits_colour_type(colour_type: int | None, kind: bytes, length: int, sound: bool) -> bool:
    """Tell whether a palette or a transparent colour can be used with pixels of this colour type."""
    if kind == b"PLTE":
        return colour_type == PALETTE_COLOURS
    return kind == b"tRNS" and sound and colour_type in TRANSPARENCY_BYTES and length in TRANSPARENCY_BYTES[colour_type]


def build_chunk(kind: bytes, body: bytes = b"") -> bytes:
    """Return a whole chunk: length, kind, body and checksum."""
    return len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4)
