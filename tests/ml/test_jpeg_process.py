"""Only JPEGs that the decoder reads without trouble reach it."""

from typing import Any

import pytest
from PIL import Image

from ml.errors import InvalidImage
from ml.image import check_photo, decode
from ml.jpeg_process import MAX_SEGMENTS, UNREADABLE, check_process
from tests.ml.hostile_photos import jpeg_of_many_segments, jpeg_of_process, lossless_jpeg
from tests.ml.photos import astronaut, encoded


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_takes_ordinary_and_progressive_ones(options: dict[str, Any]) -> None:
    check_process(encoded(astronaut(), **options))
    check_process(encoded(astronaut().convert("L"), **options))
    check_process(jpeg_of_process(0xC1))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (lossless_jpeg(640, 480), "lossless"),
        (lossless_jpeg(64, 48), "lossless"),
        *((jpeg_of_process(marker), "This kind of JPEG") for marker in UNREADABLE),
        (jpeg_of_process(0xC9), "arithmetic coding"),
        (jpeg_of_process(0xC1, bits=12), "12 bits a colour"),
        (jpeg_of_many_segments(MAX_SEGMENTS), "more parts"),
        (b"\xff\xd8\xff\xc0\0\2", "0 bits"),
        (b"\xff\xd8\xff", "broken"),
        (b"\xff\xd8\xff\xff", "broken"),
    ],
)
def test_refuses_others_before_they_are_decoded(data: bytes, reason: str) -> None:
    for read in (check_process, check_photo, decode):
        with pytest.raises(InvalidImage, match=reason):
            read(data)


def test_a_second_frame_does_not_hide_behind_a_readable_one() -> None:
    """Decoders differ in which of two frames counts."""
    data = encoded(Image.new("RGB", (64, 64)))
    hidden = lossless_jpeg(64, 64)
    frame = hidden[hidden.index(b"\xff\xc3") : hidden.index(b"\xff\xc4")]
    for place in (2, data.index(b"\xff\xda")):
        with pytest.raises(InvalidImage):
            check_process(data[:place] + b"\0\xff\xff\xff" + frame[1:] + data[place:])


def test_bytes_between_the_parts_do_not_matter() -> None:
    data = encoded(astronaut())
    tables = data.index(b"\xff\xdb")
    check_process(data[:tables] + b"\0\1\2" + b"\xff\xff\xff" + data[tables:])
