"""A stored photo shows the same picture, but does not say where, when and by whom it was taken."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ml.formats.png import build_chunk
from ml.image import check_photo, decode, strip
from tests.support.photos import FORMATS, astronaut, encoded
from tests.support.private_photos import PROFILE, SECRET, UPRIGHT, private_photo


@pytest.mark.parametrize("image_format", [*FORMATS, "AVIF"])
def test_the_same_pixels_and_nothing_else(image_format: str) -> None:
    data = private_photo(image_format)
    assert SECRET in data
    stripped = strip(data)
    assert SECRET not in stripped
    assert b"2024:05:17" not in stripped
    assert len(stripped) < len(data)
    assert np.array_equal(decode(stripped).image, decode(data).image)
    assert check_photo(stripped).captured_at is None


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_stays_upright(image_format: str, orientation: int) -> None:
    data = private_photo(image_format, orientation)
    stripped = strip(data)
    assert np.array_equal(decode(stripped).image, decode(data).image)
    assert decode(stripped).image.shape == (300, 400, 3)
    with Image.open(io.BytesIO(stripped)) as shown:
        assert shown.getexif().get(0x0112, 1) == orientation
        assert set(shown.getexif()) <= {0x0112} or image_format == "TIFF"


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_colours_keep_their_meaning(image_format: str) -> None:
    with Image.open(io.BytesIO(strip(private_photo(image_format)))) as shown:
        assert shown.info["icc_profile"] == PROFILE


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF"])
def test_no_place_can_be_read(image_format: str) -> None:
    with Image.open(io.BytesIO(strip(private_photo(image_format)))) as shown:
        assert not shown.getexif().get_ifd(0x8825)
        assert not shown.getexif().get_ifd(0x8769)
        assert "xmp" not in shown.info or SECRET not in (shown.info["xmp"] or b"")


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 4}])
def test_every_kind_of_jpeg(options: dict[str, Any]) -> None:
    data = private_photo("JPEG", 6, **options)
    assert np.array_equal(decode(strip(data)).image, decode(data).image)


def test_the_inks_of_a_jpeg_and_a_png_with_a_palette() -> None:
    for data in (encoded(astronaut().convert("CMYK")), encoded(astronaut().convert("P"), "PNG", transparency=3)):
        assert np.array_equal(decode(strip(data)).image, decode(data).image)


def test_pictures_that_follow_are_left_out() -> None:
    data = encoded(astronaut(), "MPO", save_all=True, append_images=[astronaut().resize((64, 64))])
    stripped = strip(data)
    assert stripped.count(b"\xff\xd8\xff") == 1
    assert np.array_equal(decode(stripped).image, decode(data).image)


@pytest.mark.parametrize("image_format", [*FORMATS, "AVIF"])
def test_a_stripped_file_does_not_change_again(image_format: str) -> None:
    once = strip(private_photo(image_format))
    assert strip(once) == once


def box(kind: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4) + kind + body


@pytest.mark.parametrize("image_format", ["HEIF", "AVIF"])
@pytest.mark.parametrize(
    "more",
    [
        box(b"free", SECRET),
        box(b"skip", SECRET) + box(b"mdat", b""),
        box(b"mdat", SECRET),  # of no item
        box(b"uuid", SECRET),
    ],
    ids=["free", "skip", "mdat", "uuid"],
)
def test_no_box_beside_the_picture_is_kept(image_format: str, more: bytes) -> None:
    data = encoded(UPRIGHT, image_format) + more
    stripped = strip(data)
    assert SECRET not in stripped
    assert np.array_equal(decode(stripped).image, decode(data).image)


def test_a_film_beside_the_picture_does_not_say_where_it_was_taken() -> None:
    place = box(b"udta", box(b"\xa9xyz", SECRET))
    data = encoded(UPRIGHT, "AVIF") + box(b"moov", place + box(b"trak", place))
    stripped = strip(data)
    assert SECRET not in stripped
    assert np.array_equal(decode(stripped).image, decode(data).image)


@pytest.mark.parametrize("kind", [b"gAMA", b"sRGB", b"cHRM", b"cICP"])
def test_a_chunk_for_colours_keeps_nothing_else(kind: bytes) -> None:
    data = encoded(UPRIGHT, "PNG")
    flawed = data[:33] + build_chunk(kind, SECRET * 4) + data[33:]
    assert SECRET not in strip(flawed)
