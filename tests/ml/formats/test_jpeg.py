"""Flaws beside the pixels of a JPEG do no harm, and only kinds that can be read reach the decoder."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ml.errors import InvalidImage
from ml.formats.jpeg import BASELINE, MAX_SCANS, MAX_SEGMENTS, PROGRESSIVE, read_jpeg
from ml.image import check_photo, decode
from ml.photo import PhotoLimits
from tests.support.hostile_photos import jpeg_of_many_segments, jpeg_of_process, lossless_jpeg
from tests.support.photo_parts import FLAWED_SEGMENTS, segment, with_segment
from tests.support.photos import astronaut, encoded, exif

READERS: tuple[Callable[[bytes], object], ...] = (check_photo, decode, read_jpeg)
PICTURE = astronaut().crop((0, 0, 300, 200))
KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "full colour": {"subsampling": 0},
    "restarts": {"restart_marker_rows": 1},
    "dark": {"quality": 5},
}


def same_picture(first: bytes, second: bytes) -> bool:
    return check_photo(first).width == 300 and np.array_equal(decode(first).image, decode(second).image)


def test_finds_the_parts() -> None:
    found = read_jpeg(encoded(PICTURE, exif=exif(orientation=6), comment="nice", icc_profile=b"x" * 70_000))
    assert (found.width, found.height, found.components, found.process) == (300, 200, 3, BASELINE)
    assert found.scans == (3,)
    assert found.has_end
    assert found.exif == exif(orientation=6).tobytes()[6:]
    assert found.picture == encoded(PICTURE)
    assert not found.comes_in_parts
    assert read_jpeg(encoded(PICTURE, progressive=True)).process == PROGRESSIVE
    assert read_jpeg(encoded(PICTURE, progressive=True)).comes_in_parts


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS.keys())
@pytest.mark.parametrize("extra", FLAWED_SEGMENTS.values(), ids=FLAWED_SEGMENTS.keys())
def test_flawed_segments_beside_the_pixels_do_not_matter(extra: bytes, options: dict[str, Any]) -> None:
    photo = encoded(PICTURE, **options)
    assert same_picture(with_segment(photo, extra), photo)
    tables = photo.index(b"\xff\xdb")
    assert same_picture(photo[:tables] + extra + photo[tables:], photo)


@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS.keys())
def test_a_missing_end_marker_does_not_matter(options: dict[str, Any]) -> None:
    photo = encoded(PICTURE, **options)
    for data in (photo[:-2], photo[:-1], photo[:-2] + bytes(1000)):
        assert not read_jpeg(data).has_end
        assert same_picture(data, photo)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", KINDS.values(), ids=KINDS.keys())
@pytest.mark.parametrize("lost", [20, 100, 1000])
def test_missing_pixels_matter(lost: int, options: dict[str, Any], mode: str) -> None:
    photo = encoded(PICTURE.convert(mode), **options)
    for data in (photo[:-lost], photo[:-lost] + bytes(lost)):  # the last: as a copy of which the end was not written
        for read in (check_photo, decode):
            with pytest.raises(InvalidImage, match="incomplete or broken"):
                read(data)


@pytest.mark.parametrize("progressive", [False, True])
def test_what_is_appended_to_a_photo_does_not_matter(progressive: bool) -> None:
    photo = encoded(PICTURE, progressive=progressive)
    burst = 150 * encoded(PICTURE.resize((64, 64)), progressive=True)
    assert same_picture(photo + burst, photo)
    assert same_picture(photo + np.random.default_rng(1).bytes(100_000), photo)


def test_the_model_of_colours_stays() -> None:
    """A decoder believes what an Adobe segment says, and that JFIF is there."""
    for keep_rgb in (True, False):
        photo = encoded(Image.new("RGB", (64, 64), (200, 40, 30)), keep_rgb=keep_rgb)
        assert np.abs(decode(photo).image.astype(int) - (200, 40, 30)).max() <= 3
    inks = encoded(Image.new("CMYK", (64, 64), (0, 255, 255, 0)))
    assert read_jpeg(inks).components == 4
    assert np.abs(decode(inks).image.astype(int) - (255, 0, 0)).max() <= 3


def test_the_first_exif_counts() -> None:
    first, second = (segment(0xE1, exif(orientation=value).tobytes()) for value in (6, 1))
    assert check_photo(with_segment(encoded(PICTURE), first + second)).width == 200
    photo = encoded(PICTURE)
    assert check_photo(photo[:-2] + first + photo[-2:]).width == 300  # browsers look no further than the pixels


def many_scans(repeated: int) -> bytes:
    """Return a progressive JPEG whose last scan, of a few bytes, is repeated this often."""
    whole = encoded(Image.new("L", (800, 800)), progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * repeated + whole[-2:]


def test_refuses_a_jpeg_of_very_many_scans() -> None:
    assert check_photo(many_scans(MAX_SCANS - 6)).width == 800
    for read in READERS:
        with pytest.raises(InvalidImage, match="in more than 100 passes"):
            read(many_scans(MAX_SCANS))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_accepts_ordinary_and_progressive_jpegs(options: dict[str, Any]) -> None:
    read_jpeg(encoded(astronaut(), **options))
    read_jpeg(encoded(astronaut().convert("L"), **options))
    read_jpeg(jpeg_of_process(0xC1))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (lossless_jpeg(640, 480), "lossless"),
        (lossless_jpeg(64, 48), "lossless"),
        *((jpeg_of_process(marker), "This kind of JPEG") for marker in (0xC3, *range(0xC5, 0xC8), *range(0xC9, 0xCC))),
        *((jpeg_of_process(marker), "This kind of JPEG") for marker in (*range(0xCD, 0xD0), 0xF7)),
        (jpeg_of_process(0xC9), "arithmetic coding"),
        (jpeg_of_process(0xC1, bits=12), "12 bits a colour"),
        (jpeg_of_many_segments(MAX_SEGMENTS), "more parts"),
        (b"\xff\xd8\xff\xc0\0\2", "broken"),
        (b"\xff\xd8\xff", "broken"),
        (b"\xff\xd8\xff\xff", "broken"),
        (b"\xff\xd8\xff\xd9" + encoded(PICTURE), "broken"),
        (b"\xff\xd8" + segment(0xDA, b"\1\1\0\0\x3f\0"), "broken"),
    ],
)
def test_refuses_other_jpegs_before_they_are_decoded(data: bytes, reason: str) -> None:
    for read in READERS:
        with pytest.raises(InvalidImage, match=reason):
            read(data)


def test_a_second_frame_does_not_hide_behind_a_readable_one() -> None:
    """With two frames, decoders differ in which one counts."""
    data = encoded(Image.new("RGB", (64, 64)))
    hidden = lossless_jpeg(64, 64)
    frame = hidden[hidden.index(b"\xff\xc3") : hidden.index(b"\xff\xc4")]
    for place in (2, data.index(b"\xff\xda"), len(data) - 2):
        with pytest.raises(InvalidImage):
            read_jpeg(data[:place] + b"\0\xff\xff\xff" + frame[1:] + data[place:])


def test_phones_jpegs_of_very_many_pixels_are_read_reduced() -> None:
    limits = PhotoLimits(max_pixels=250_000)
    data = encoded(astronaut().resize((1000, 1000)))
    assert check_photo(data, limits).width == 1000
    assert decode(data, limits).image.shape == (500, 500, 3)
    assert decode(data, limits, long_side=900).image.shape == (500, 500, 3)
    assert decode(data, limits, long_side=200).image.shape == (250, 250, 3)
    assert decode(data, limits).scale == 2
    with pytest.raises(InvalidImage, match="at most 1 megapixels"):
        check_photo(encoded(astronaut().resize((1001, 1000))), limits)
    # A decoder keeps these whole, whatever size is wanted.
    for other in (encoded(astronaut(), progressive=True), encoded(astronaut(), "PNG")):
        with pytest.raises(InvalidImage, match=r"at most 0\.25 megapixels"):
            check_photo(other, limits)
