"""A RAW file is refused with a reason, and its preview is never taken for the photo."""

import struct

import pytest

from ml.errors import InvalidImage
from ml.image import check_photo, decode
from tests.support.photos import astronaut, encoded, exif
from tests.support.raw_files import DNG_VERSION, LONG, REDUCED, SENSOR, raw

PHOTO = astronaut()
PLAIN = raw(PHOTO, {})


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (DNG_VERSION | REDUCED, {}),
        (DNG_VERSION, None),
        (REDUCED, {}),
        ({}, SENSOR),
        (SENSOR, None),
        ({}, {}),
    ],
    ids=["DNG", "DNG alone", "preview", "sensor beside", "sensor", "larger picture beside"],
)
def test_a_raw_file_is_refused_with_a_sentence(first: dict[int, object], second: object, order: str) -> None:
    data = raw(PHOTO, first, second, order)  # type: ignore[arg-type]  # of the tables above
    for read in (check_photo, decode):
        with pytest.raises(InvalidImage, match="RAW file of a camera"):
            read(data)


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_ordinary_tiff_with_the_same_tags_is_read(order: str) -> None:
    for tags in ({}, REDUCED):
        assert check_photo(raw(PHOTO, tags, None, order)).width == 160
    smaller = raw(PHOTO.resize((80, 60)), {}, {254: (LONG, 1)}, order)  # as programs add a preview
    assert check_photo(smaller).width == 160


@pytest.mark.parametrize(
    "data",
    [
        b"FUJIFILMCCD-RAW 0201" + bytes(100),
        b"IIU\0" + bytes(100),
        b"IIRO" + bytes(100),
        b"FOVb" + bytes(100),
        b"\0\0\0\x18ftypcrx " + bytes(100),
        b"II*\0\x10\0\0\0CR\2\0" + bytes(100),
    ],
)
def test_raw_files_of_other_makers_are_recognised(data: bytes) -> None:
    with pytest.raises(InvalidImage, match="RAW file of a camera"):
        check_photo(data)


@pytest.mark.parametrize("start", [0, 4, len(PLAIN) - 3, len(PLAIN), 2**32 - 1])
def test_directories_that_are_not_there_are_broken(start: int) -> None:
    data = b"II*\0" + struct.pack("<I", start) + PLAIN[8:]
    with pytest.raises(InvalidImage):
        check_photo(data)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "jpeg", "tiff_deflate"])
def test_ordinary_tiffs_are_read(compression: str | None) -> None:
    data = encoded(PHOTO, "TIFF", compression=compression, exif=exif(taken="2024:05:17 14:03:02"))
    assert check_photo(data).width == 512
