"""Flaws beside the pixels of a PNG do no harm."""

import numpy as np
import pytest

from ml.errors import InvalidImage
from ml.formats.png import MAX_CHUNKS, SIGNATURE, read_png
from ml.image import check_photo, decode
from tests.support.photo_parts import AFTER_HEADER, FLAWED_CHUNKS, LARGE_CHUNKS, chunk, with_chunk
from tests.support.photos import astronaut, encoded, exif, turned

PHOTO = encoded(astronaut().crop((0, 0, 200, 150)), "PNG")
LAST_CHUNK = len(chunk(b"IEND", b""))


def same_picture(first: bytes, second: bytes) -> bool:
    return check_photo(first).width == 200 and np.array_equal(decode(first).image, decode(second).image)


@pytest.mark.parametrize("extra", (FLAWED_CHUNKS | LARGE_CHUNKS).values(), ids=(FLAWED_CHUNKS | LARGE_CHUNKS).keys())
def test_flawed_and_large_chunks_beside_the_pixels_do_not_matter(extra: bytes) -> None:
    assert same_picture(with_chunk(PHOTO, extra), PHOTO)
    assert same_picture(PHOTO[:-LAST_CHUNK] + extra + PHOTO[-LAST_CHUNK:], PHOTO)


@pytest.mark.parametrize(
    "data",
    [
        PHOTO[:-LAST_CHUNK],
        PHOTO[:-5],
        PHOTO[:-1],
        PHOTO[:-1] + b"?",
        PHOTO + b"what a program appended",
        PHOTO + PHOTO,
        PHOTO[:-LAST_CHUNK] + chunk(b"tEXt", b"Software\0x" * 100)[:-20],
    ],
    ids=[
        "no last chunk",
        "last chunk cut off",
        "last checksum cut off",
        "last checksum wrong",
        "more bytes",
        "another photo",
        "cut off in a text",
    ],
)
def test_what_stands_where_the_last_chunk_should_be_does_not_matter(data: bytes) -> None:
    assert same_picture(data, PHOTO)


@pytest.mark.parametrize("lost", [100, 5000])
def test_a_png_that_lacks_pixels_is_refused(lost: int) -> None:
    body = PHOTO[AFTER_HEADER + 8 : -LAST_CHUNK - 4][:-lost]
    for end in (b"", chunk(b"IEND", b"")):
        data = PHOTO[:AFTER_HEADER] + chunk(b"IDAT", body) + end
        with pytest.raises(InvalidImage, match="incomplete or broken"):
            decode(data)
    with pytest.raises(InvalidImage, match="incomplete or broken"):
        check_photo(PHOTO[:AFTER_HEADER] + chunk(b"IDAT", body))


def with_wrong_checksum(kind: bytes) -> bytes:
    data = bytearray(PHOTO)
    end = data.index(kind) + 4 + int.from_bytes(data[data.index(kind) - 4 : data.index(kind)])
    data[end] ^= 1
    return bytes(data)


def test_a_header_with_a_wrong_checksum_is_refused() -> None:
    with pytest.raises(InvalidImage, match="incomplete or broken"):
        check_photo(with_wrong_checksum(b"IHDR"))


def test_pixels_need_no_second_checksum_if_their_own_is_right() -> None:
    assert same_picture(with_wrong_checksum(b"IDAT"), PHOTO)
    pixels = PHOTO[AFTER_HEADER + 8 : -LAST_CHUNK - 4]
    for damaged in (pixels[:-1] + b"?", pixels[:5000] + b"?" + pixels[5001:]):
        with pytest.raises(InvalidImage, match="incomplete or broken"):
            check_photo(PHOTO[:AFTER_HEADER] + chunk(b"IDAT", damaged, 5) + chunk(b"IEND", b""))


def test_an_animation_says_so_before_its_pixels() -> None:
    assert same_picture(PHOTO[:-LAST_CHUNK] + chunk(b"acTL", bytes((0, 0, 0, 2, 0, 0, 0, 0))), PHOTO)
    with pytest.raises(InvalidImage, match="animation"):
        check_photo(with_chunk(PHOTO, chunk(b"acTL", bytes((0, 0, 0, 2, 0, 0, 0, 0)))))


@pytest.mark.parametrize("data", [SIGNATURE, SIGNATURE + PHOTO[AFTER_HEADER:], PHOTO[:AFTER_HEADER] * 2])
def test_a_png_without_a_header_of_its_own_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidImage, match="incomplete or broken"):
        check_photo(data)


def test_the_search_for_chunks_ends() -> None:
    data = with_chunk(PHOTO, chunk(b"abCD", b"") * MAX_CHUNKS)
    with pytest.raises(InvalidImage):
        check_photo(data)


def test_the_first_sound_exif_counts() -> None:
    sideways, upright = (exif(orientation=value).tobytes() for value in (6, 1))
    extra = chunk(b"eXIf", upright, 5) + chunk(b"eXIf", sideways) + chunk(b"eXIf", upright)
    data = with_chunk(encoded(turned(astronaut().crop((0, 0, 200, 150)), 6), "PNG"), extra)
    assert read_png(data).exif == sideways
    assert same_picture(data, PHOTO)
