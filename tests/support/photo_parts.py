"""Make parts of JPEGs and PNGs, sound or flawed, to put into photos."""

import os
import struct
import zlib

AFTER_HEADER = 33  # length of a PNG's signature and IHDR


def segment(marker: int, body: bytes) -> bytes:
    """Return a segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def chunk(kind: bytes, body: bytes, checksum: int | None = None) -> bytes:
    """Return a chunk of a PNG."""
    value = zlib.crc32(kind + body) if checksum is None else checksum
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", value)


def with_segment(jpeg: bytes, extra: bytes) -> bytes:
    return jpeg[:2] + extra + jpeg[2:]


def with_chunk(png: bytes, extra: bytes) -> bytes:
    return png[:AFTER_HEADER] + extra + png[AFTER_HEADER:]


# Browsers and OpenCV still show a photo with any of these.
FLAWED_SEGMENTS = {
    "empty JFIF": segment(0xE0, b"JFIF\0"),
    "JFIF of 3 bytes": segment(0xE0, b"JFI"),
    "empty Adobe": segment(0xEE, b"Adobe"),
    "empty profile": segment(0xE2, b"ICC_PROFILE\0"),
    "profile of which parts lack": segment(0xE2, b"ICC_PROFILE\0\2\xff" + bytes(100)),
    "empty MPF": segment(0xE2, b"MPF\0"),
    "broken MPF": segment(0xE2, b"MPF\0II*\0\xff\xff\xff\xff"),
    "empty EXIF": segment(0xE1, b"Exif\0\0"),
    "broken EXIF": segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"),
    "empty Photoshop": segment(0xED, b"Photoshop 3.0\0"),
    "broken Photoshop": segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\xff\0\0"),
    "comment without length": b"\xff\xfe\0\0",
    "bytes between": segment(0xFE, b"nice") + b"\0\1\2\xff\0",
    "marker filled up": b"\xff\xff\xff",
}
LARGE_CHUNKS = {
    "XMP of 2 MB": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"<history/>" * 200_000)),
    "comment of 2 MB": chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"history " * 260_000)),
    "profile of 2 MB": chunk(b"iCCP", b"printer\0\0" + zlib.compress(os.urandom(2_000_000))),
    "EXIF as text": chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"no hexadecimal digits")),
}
FLAWED_CHUNKS = {
    "text with wrong checksum": chunk(b"tEXt", b"Software\0x", 0),
    "gamma with wrong checksum": chunk(b"gAMA", struct.pack(">I", 45_455), 1),
    "EXIF with wrong checksum": chunk(b"eXIf", b"II*\0\xff\xff\xff\xff", 1),
    "animation with wrong checksum": chunk(b"acTL", struct.pack(">II", 2, 0), 1),
    "text that is not compressed": chunk(b"zTXt", b"Comment\0\0no"),
    "text without a keyword": chunk(b"iTXt", b""),
    "profile that is not compressed": chunk(b"iCCP", b"printer\0\0no"),
    "pHYs of 2 bytes": chunk(b"pHYs", b"\0\0"),
    "cHRM of 5 bytes": chunk(b"cHRM", bytes(5)),
    "gAMA of 2 bytes": chunk(b"gAMA", bytes(2)),
    "empty sRGB": chunk(b"sRGB", b""),
    "tRNS of 2 bytes": chunk(b"tRNS", bytes(2)),
    "palette of 4 bytes": chunk(b"PLTE", bytes(4)),
    "frame of no animation": chunk(b"fcTL", bytes(3)),
    "unknown chunk": chunk(b"abCD", bytes(100)),
}
