"""Small files that would cost much to decode are refused with a reason, or cost no more than others."""

import struct
import threading
import zlib
from collections.abc import Callable

import pytest

from ml import sandbox
from ml.errors import InvalidImage
from ml.formats.exif import parse_exif
from ml.formats.tags import MAX_TAGS, are_tags_within_limits, is_exif_within_limits
from ml.image import check_photo
from ml.photo import PhotoLimits
from ml.turn import Turn
from tests.support.hostile_photos import (
    avif_of_many_pictures,
    avif_that_declares,
    blank,
    jpeg_of_many_segments,
    jpeg_with_exif,
    lossless_jpeg,
    png_with_exif,
    rle_bmp,
    shared_tags,
    tiff_with_shared_tags,
)
from tests.support.photos import FORMATS, astronaut, encoded, exif


def png_of(width: int, height: int, pixels: bytes = b"", depth: int = 8) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def webp_with_exif(tags: bytes) -> bytes:
    return encoded(astronaut(), "WEBP", exif=tags)


REFUSED = {
    "a BMP of skips, 3,000,000 wide": (rle_bmp(3_000_000, 20, b"\1\0\0\2\0\xff\0\1"), "BMP .compressed."),
    "a BMP of skips, 10,000,000 wide": (rle_bmp(10_000_000, 6, b"\1\0\0\2\0\xff\0\1"), "BMP .compressed."),
    "a BMP of one row": (rle_bmp(59_000_000, 1, b"\1\0\0\0\0\1"), "BMP .compressed."),
    "a BMP of four bits": (rle_bmp(64, 64, b"\1\0\0\0\0\1", compression=2), "BMP .compressed."),
    "a blank WebP of 60 megapixels": (blank("WEBP", 7740), "at most 30 megapixels of a WebP"),
    "a blank WebP of 29 megapixels": (blank("WEBP", 5400), "only 1... bytes for 5400 x 5400"),
    "a blank PNG of few bytes": (png_of(7000, 7000, bytes(1000)), "less than any photo has"),
    "a deep PNG": (png_of(7000, 7000, bytes(1000), depth=16), "at most 45 megapixels of a photo in 16-bit grey"),
    "a long PNG": (png_of(59_000_000, 1, bytes(1000)), "at most 32000 are accepted on a side"),
    "a high PNG": (png_of(1, 59_000_000, bytes(1000)), "at most 32000 are accepted on a side"),
    "a lossless JPEG": (lossless_jpeg(640, 480), "JPEG .lossless."),
    "a JPEG of a million segments": (jpeg_of_many_segments(1_000_000), "more parts than any camera"),
    "a TIFF whose tags share their bytes": (tiff_with_shared_tags(900, 500_000), "says more of itself"),
    "an AVIF that declares 49 megapixels": (avif_that_declares(7000, 7000), "less than any photo has"),
    "an AVIF that declares 4,295 megapixels": (avif_that_declares(65535, 65535), "incomplete or broken"),
    "an AVIF without pixels": (avif_that_declares(0, 0), "incomplete or broken"),
    "an AVIF of 1,000 pictures": (avif_of_many_pictures(1000), "is an animation"),
    "a BigTIFF": (b"II+\0\x08\0\0\0" + bytes(100), "is a BigTIFF, which cannot be read"),
    "a BigTIFF of the other byte order": (b"MM\0+\0\x08\0\0" + bytes(100), "is a BigTIFF, which cannot be read"),
    "a TIFF of many tags": (tiff_with_shared_tags(MAX_TAGS, 1), "says more of itself"),
}


@pytest.mark.parametrize(("data", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    for read in (sandbox.check_photo, sandbox.decode):
        with pytest.raises(InvalidImage, match=reason) as refused:
            read(data)
        assert str(refused.value).endswith(".")


@pytest.mark.filterwarnings("ignore:Tag data larger")
@pytest.mark.parametrize("write", [png_with_exif, jpeg_with_exif, webp_with_exif])
def test_exif_whose_tags_share_their_bytes_is_not_read(write: Callable[[bytes], bytes]) -> None:
    data = write(b"Exif\0\0" + shared_tags(3000, 500_000))
    assert sandbox.check_photo(data).captured_at is None


def test_only_so_much_exif_is_read() -> None:
    assert parse_exif(exif(orientation=6).tobytes())[0x0112] == 6
    for broken in (shared_tags(3000, 500_000), b"Exif\0\0" * 2 + shared_tags(3, 500_000), b"II*\0" + bytes(5 * 2**20)):
        assert not parse_exif(broken)


@pytest.mark.parametrize("image_format", FORMATS)
def test_what_cameras_write_is_within_the_limits(image_format: str) -> None:
    tags = exif(orientation=6, taken="2024:05:17 14:03:02", offset="+02:00")
    assert is_exif_within_limits(tags.tobytes())
    assert sandbox.check_photo(encoded(astronaut(), image_format, exif=tags)).format


def test_tags_are_counted_by_directory_and_by_what_they_point_at() -> None:
    assert are_tags_within_limits(shared_tags(2, 500_000))
    assert not are_tags_within_limits(shared_tags(3, 500_000))
    assert are_tags_within_limits(shared_tags(MAX_TAGS, 1))
    assert not are_tags_within_limits(shared_tags(MAX_TAGS + 1, 1))
    assert are_tags_within_limits(b"II*\0\x08\0\0\0" + b"\xff" * 10)  # which is broken, and costs nothing


def test_pictures_of_one_colour_may_be_small() -> None:
    assert check_photo(blank("WEBP", 2800)).width == 2800
    assert check_photo(blank("PNG", 2800)).width == 2800


def test_only_one_thread_at_a_time_has_its_turn() -> None:
    turn, inside, most = Turn(), 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(200):
            with turn:
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_limits_of_the_command_line_are_those_of_the_site() -> None:
    assert PhotoLimits() == PhotoLimits(25 * 2**20, 60_000_000, 700 * 2**20, 5)
