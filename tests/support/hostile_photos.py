"""Make small files that cost a decoder much memory or time, or make it write where it must not."""

import io
import struct
import zlib

from PIL import Image

from tests.support.photos import encoded

# Readers follow or interpret these tags; the others can point anywhere.
INTERPRETED = {0x0112, 0x8769, 0x8825, 0xA005, 0x927C, 700, 33723, 34377}


def lossless_jpeg(width: int, height: int) -> bytes:
    """Return a lossless JPEG (SOF3). All its samples are equal, so each takes one bit."""

    def segment(marker: int, body: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body

    frame = struct.pack(">BHHB", 8, height, width, 3) + b"".join(bytes((number, 0x11, 0)) for number in (1, 2, 3))
    codes = bytes((0, 1, 1)) + bytes(14) + bytes((0, 1))
    scan = b"\3\1\0\2\0\3\0\1\0\0"
    pixels = bytes(width * height * 3 // 8 + 1)
    return b"\xff\xd8" + segment(0xC3, frame) + segment(0xC4, codes) + segment(0xDA, scan) + pixels + b"\xff\xd9"


def jpeg_of_process(marker: int, bits: int = 8) -> bytes:
    """Return an ordinary JPEG whose frame claims to be of another kind."""
    data = bytearray(encoded(Image.new("RGB", (64, 64), "teal")))
    frame = data.index(b"\xff\xc0")
    data[frame + 1], data[frame + 4] = marker, bits
    return bytes(data)


def jpeg_of_many_segments(segments: int) -> bytes:
    data = encoded(Image.new("RGB", (64, 64), "teal"))
    return data[:2] + b"\xff\xfe\0\2" * segments + data[2:]


def rle_bmp(width: int, height: int, body: bytes, compression: int = 1) -> bytes:
    """Return a run-length encoded BMP of 8 bits per pixel."""
    palette = b"".join(bytes((grey, grey, grey, 0)) for grey in range(256))
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, compression, len(body), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(body), 0, 0, 1078) + header + palette + body


def shared_tags(tags: int, size: int) -> bytes:
    """Return a TIFF directory whose many tags all point to the same bytes."""
    numbers = [number for number in range(0x1000, 0x1000 + tags + len(INTERPRETED)) if number not in INTERPRETED]
    rows = b"".join(struct.pack("<HHLL", number, 7, size, 8) for number in numbers[:tags])
    data = b"II*\0" + struct.pack("<LH", 8, tags) + rows + bytes(4)
    return data + bytes(max(0, size + 8 - len(data)))


def png_with_exif(exif: bytes) -> bytes:
    plain = encoded(Image.new("RGB", (64, 64)), "PNG")
    chunk = struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif))
    return plain[:33] + chunk + plain[33:]


def jpeg_with_exif(exif: bytes) -> bytes:
    plain, parts = encoded(Image.new("RGB", (64, 64))), b""
    for start in range(0, len(exif), 65_000):
        part = b"Exif\0\0" + exif[start : start + 65_000]
        parts += b"\xff\xe1" + struct.pack(">H", len(part) + 2) + part
    return plain[:2] + parts + plain[2:]


def tiff_with_shared_tags(tags: int, size: int) -> bytes:
    """Return a TIFF of one pixel with added tags that share their bytes."""
    plain = encoded(Image.new("L", (1, 1)), "TIFF")
    start = int.from_bytes(plain[4:8], "little")
    count = int.from_bytes(plain[start : start + 2], "little")
    rows = plain[start + 2 : start + 2 + 12 * count]
    offset = len(plain) + 6 + 12 * (count + tags)
    more = b"".join(struct.pack("<HHLL", 60_000 + number, 7, size, offset) for number in range(tags))
    directory = struct.pack("<H", count + tags) + rows + more + bytes(4)
    return plain[:4] + struct.pack("<L", len(plain)) + plain[8:] + directory + bytes(size)


def blank(image_format: str, side: int) -> bytes:
    """Return a picture of one colour, which has few bytes for any number of pixels."""
    written = io.BytesIO()
    Image.new("RGB", (side, side)).save(written, image_format, **({"lossless": True} if image_format == "WEBP" else {}))
    return written.getvalue()


def avif_that_declares(width: int, height: int) -> bytes:
    """Return an AVIF of 64 x 64 pixels that claims another size."""
    data = encoded(Image.new("RGB", (64, 64), "teal"), "AVIF")
    size = data.index(b"ispe") + 8
    return data[:size] + struct.pack(">II", width, height) + data[size + 8 :]


def avif_of_many_pictures(pictures: int) -> bytes:
    """Return an animated AVIF."""
    written = io.BytesIO()
    first, *others = (Image.new("RGB", (64, 64), (number % 256, 0, 0)) for number in range(pictures))
    first.save(written, "AVIF", save_all=True, append_images=others, speed=10)
    return written.getvalue()
