import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from ml.errors import InvalidImage
from ml.formats import FORMATS as READ
from ml.formats.jpeg import MAX_SCANS
from ml.image import check_photo, decode
from ml.photo import FORMATS as ACCEPTED
from ml.photo import PhotoLimits
from tests.support.photo_parts import chunk, with_chunk
from tests.support.photos import FORMATS, animation, astronaut, encoded, exif, png_that_claims, turned


@pytest.mark.parametrize(
    ("image_format", "extension"),
    list(zip(FORMATS, (".jpg", ".png", ".webp", ".heic", ".avif", ".bmp", ".tiff"), strict=True)),
)
def test_accepts_each_format(image_format: str, extension: str) -> None:
    info = check_photo(encoded(astronaut().crop((0, 0, 400, 300)), image_format))
    assert (info.extension, info.width, info.height, info.captured_at) == (extension, 400, 300, None)


@pytest.mark.parametrize("image_format", FORMATS)
def test_decodes_each_format_to_the_same_picture(image_format: str) -> None:
    photo = decode(encoded(astronaut(), image_format))
    assert photo.image.dtype == np.uint8
    difference = np.abs(photo.image.astype(int) - np.asarray(astronaut()))
    assert difference.mean() < 4


def test_accepts_a_jpeg_with_a_preview_in_it() -> None:
    data = encoded(astronaut(), "MPO", save_all=True, append_images=[astronaut().resize((64, 64))])
    assert check_photo(data).format == "JPEG"
    assert decode(data).image.shape == (512, 512, 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"Dear customer, thank you for your visit.", "Use JPEG, PNG, WebP, HEIC, AVIF, BMP or TIFF"),
        (animation("GIF"), "Use JPEG, PNG, WebP, HEIC, AVIF, BMP or TIFF"),
        (animation("WEBP"), "animation"),
        (animation("PNG"), "animation"),
        (animation("TIFF"), "several pages"),
        (png_that_claims(30_000, 30_000), "30000 x 30000 pixels"),
        (png_that_claims(0, 10), "."),
        (b"\xff\xd8\xff" + bytes(100), "broken"),
        (b"BM" + bytes(100), "."),
        (b"\x00\x00\x00\x18ftypheic" + bytes(100), "broken"),
    ],
)
def test_refuses_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidImage, match=reason):
        check_photo(data)
    with pytest.raises(InvalidImage, match=reason):
        decode(data, long_side=960)


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("share", [0.01, 0.5, 0.9])
def test_finds_truncated_files(image_format: str, share: float) -> None:
    whole = encoded(astronaut(), image_format)
    data = whole[: int(len(whole) * share)]
    with pytest.raises(InvalidImage):
        check_photo(data)
    with pytest.raises(InvalidImage):
        decode(data, long_side=256)


def test_finds_damaged_pixels_of_a_png() -> None:
    data = bytearray(encoded(astronaut(), "PNG"))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(InvalidImage, match="broken"):
        check_photo(bytes(data))


def test_what_a_camera_appends_to_a_jpeg_are_no_scans() -> None:
    film = np.random.default_rng(1).bytes(20_000_000)
    assert film.count(b"\xff\xda") > MAX_SCANS
    assert check_photo(encoded(astronaut()) + film).width == 512


def test_looks_at_no_further_pages_of_a_tiff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TiffImageFile, "n_frames", property(lambda image: pytest.fail("All pages were looked up.")))
    with pytest.raises(InvalidImage, match="several pages"):
        check_photo(animation("TIFF"))
    assert check_photo(encoded(astronaut(), "TIFF")).format == "TIFF"


def a_scan_for_each_colour() -> bytes:
    """Return a JPEG that is not progressive, but stores its three components one after the other."""
    grey = encoded(astronaut().convert("L"))
    frame, scan = grey.index(b"\xff\xc0"), grey.index(b"\xff\xda")
    components = b"\3\1\x11\0\2\x11\0\3\x11\0"  # each with its number, sampling and table
    three = b"\xff\xc0\0\x11" + grey[frame + 4 : frame + 9] + components
    scans = [grey[scan : scan + 5] + bytes([number]) + grey[scan + 6 : -2] for number in (1, 2, 3)]
    return grey[:frame] + three + grey[frame + 13 : scan] + b"".join(scans) + grey[-2:]


class Overlap:
    """Return how many threads were decoding at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, image_class: type[ImageFile], patience: float) -> None:
        self._decoding: set[int] = set()
        self.most = 0
        two = threading.Barrier(2)
        load = image_class.load

        def together(image: ImageFile) -> object:
            """Wait until another thread decodes too, or had enough time to begin."""
            self._decoding.add(threading.get_ident())
            with suppress(threading.BrokenBarrierError):
                two.wait(patience)
            self.most = max(self.most, len(self._decoding))
            try:
                return load(image)
            finally:
                self._decoding.discard(threading.get_ident())

        monkeypatch.setattr(image_class, "load", together)


@pytest.mark.parametrize("read", [check_photo, lambda data: decode(data, long_side=256)])
@pytest.mark.parametrize(
    ("image_class", "data", "alone"),
    [
        (HeifImageFile, encoded(astronaut(), "HEIF"), True),
        (WebPImageFile, encoded(astronaut(), "WEBP"), True),
        (ImageFile, encoded(astronaut(), "BMP"), True),
        (ImageFile, encoded(astronaut(), progressive=True), True),
        (ImageFile, encoded(astronaut().convert("L"), progressive=True), True),
        (ImageFile, a_scan_for_each_colour(), True),
        (ImageFile, encoded(astronaut()), False),
        (ImageFile, encoded(astronaut().convert("L")), False),
    ],
)
def test_what_a_decoder_keeps_whole_is_decoded_one_at_a_time(
    read: Callable[[bytes], object],
    image_class: type[ImageFile],
    data: bytes,
    alone: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Those that must not meet wait so many seconds in vain; those that may, only on a busy machine.
    overlap = Overlap(monkeypatch, image_class, patience=0.5 if alone else 10)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(read, [data] * 4))
    assert (overlap.most == 1) is alone


def test_each_format_that_can_be_read_is_named() -> None:
    assert tuple(each.name for each in READ) == ACCEPTED


def test_limits_are_configurable() -> None:
    data = encoded(astronaut(), "PNG")
    with pytest.raises(InvalidImage, match="MB"):
        check_photo(data, PhotoLimits(max_bytes=1000))
    with pytest.raises(InvalidImage, match="megapixels"):
        check_photo(data, PhotoLimits(max_pixels=512 * 512 - 1))
    assert check_photo(data, PhotoLimits(max_pixels=512 * 512)).width == 512


def test_a_limit_above_pillows_own_holds() -> None:
    data = png_that_claims(20_000, 10_000) + bytes(1_000_000)  # as many bytes as such a photo has at least
    assert check_photo(data, PhotoLimits(max_pixels=200_000_000)).width == 20_000


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turns_every_orientation_upright(image_format: str, orientation: int) -> None:
    upright = astronaut().crop((0, 0, 400, 300))
    data = encoded(turned(upright, orientation), image_format, exif=exif(orientation=orientation))
    info, photo = check_photo(data), decode(data)
    assert (info.width, info.height) == (photo.width, photo.height) == (400, 300)
    assert np.abs(photo.image.astype(int) - np.asarray(upright)).mean() < 4


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description tiff:Orientation="6" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"/></rdf:RDF></x:xmpmeta>'
)


def with_xmp(image: Image.Image, image_format: str) -> bytes:
    if image_format == "PNG":
        return with_chunk(encoded(image, "PNG"), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP))
    if image_format == "TIFF":
        return encoded(image, "TIFF", tiffinfo={700: XMP})
    upright = XMP.replace(b'"6"', b'"1"')  # pillow_heif would make another one HEIC's own
    return encoded(image, image_format, xmp=upright).replace(upright, XMP)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF"])
def test_an_orientation_in_xmp_turns_nothing(image_format: str) -> None:
    """Browsers ignore this orientation, and programs that turn a photo do not update it."""
    upright = astronaut().crop((0, 0, 400, 300))
    data = with_xmp(upright, image_format)
    assert b'tiff:Orientation="6"' in data
    info, photo = check_photo(data), decode(data)
    assert (info.width, info.height) == (photo.width, photo.height) == (400, 300)
    assert np.abs(photo.image.astype(int) - np.asarray(upright)).mean() < 4


def test_reduces_a_large_jpeg_but_never_below_the_long_side() -> None:
    large = astronaut().resize((2001, 1501))
    data = encoded(turned(large, 6), exif=exif(orientation=6))
    photo = decode(data, long_side=960)
    assert photo.image.shape[:2] == (751, 1001)
    assert (photo.width, photo.height) == (2001, 1501)
    assert photo.scale == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_never_enlarges(image_format: str) -> None:
    assert decode(encoded(astronaut(), image_format), long_side=4000).image.shape == (512, 512, 3)


def colour_mode(mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.asarray(astronaut().convert("L")).astype(np.uint16) * 257)
    if mode == "F":
        return Image.fromarray(np.asarray(astronaut().convert("L")).astype(np.float32) / 255)
    return astronaut().convert(mode)


@pytest.mark.parametrize(
    ("mode", "image_format", "tolerance"),
    [
        ("L", "PNG", 0.5),
        ("L", "JPEG", 3),
        ("1", "PNG", 100),
        ("P", "PNG", 25),
        ("LA", "PNG", 0.5),
        ("RGBA", "PNG", 0.5),
        ("RGBA", "WEBP", 3),
        ("I;16", "PNG", 0.5),
        ("I;16", "TIFF", 0.5),
        ("F", "TIFF", 1),
        ("CMYK", "JPEG", 3),
        ("CMYK", "TIFF", 0.5),
    ],
)
def test_every_colour_mode_becomes_the_right_rgb(mode: str, image_format: str, tolerance: float) -> None:
    photo = decode(encoded(colour_mode(mode), image_format))
    grey = mode in ("L", "1", "LA", "I;16", "F")
    expected = np.asarray(astronaut().convert("L").convert("RGB") if grey else astronaut())
    assert photo.image.shape == (512, 512, 3)
    assert np.abs(photo.image.astype(int) - expected).mean() <= tolerance


def test_reads_adobes_inverted_cmyk() -> None:
    data = encoded(Image.new("CMYK", (64, 64), (0, 255, 255, 0)))  # Pillow writes the Adobe marker: inverted inks
    assert b"Adobe" in data
    assert np.abs(decode(data).image.astype(int) - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize(("mode", "colour"), [("RGBA", (255, 0, 0, 0)), ("LA", (0, 0))])
def test_transparent_becomes_white(mode: str, colour: tuple[int, ...]) -> None:
    assert decode(encoded(Image.new(mode, (64, 64), colour), "PNG")).image.min() == 255


def test_a_transparent_deep_grey_becomes_white_and_the_others_stay() -> None:
    greys = np.array([[0, 257, 128 * 257], [200 * 257, 200 * 257 + 1, 65_535]], np.uint16)
    data = encoded(Image.fromarray(greys), "PNG", transparency=200 * 257)
    assert decode(data).image[:, :, 0].tolist() == [[0, 1, 128], [255, 200, 255]]


def test_transparent_palette_becomes_white() -> None:
    data = encoded(Image.new("P", (64, 64), 0), "PNG", transparency=0)
    assert decode(data).image.min() == 255


@pytest.mark.parametrize(
    ("tags", "captured_at"),
    [
        ({"taken": "2024:05:17 14:03:02"}, datetime(2024, 5, 17, 14, 3, 2)),
        (
            {"taken": "2024:05:17 14:03:02", "offset": "+02:00"},
            datetime(2024, 5, 17, 14, 3, 2, tzinfo=timezone(timedelta(hours=2))),
        ),
        ({"taken": "2024:05:17 14:03:02", "offset": "+00:00"}, datetime(2024, 5, 17, 14, 3, 2, tzinfo=UTC)),
        ({"taken": "2024:05:17 14:03:02", "offset": "nonsense"}, datetime(2024, 5, 17, 14, 3, 2)),
        ({"taken": "2024-05-17 14:03:02"}, datetime(2024, 5, 17, 14, 3, 2)),
        ({"taken": "2024/05/17 14:03:02"}, datetime(2024, 5, 17, 14, 3, 2)),
        ({"taken": "2024-05-17T14:03:02Z"}, datetime(2024, 5, 17, 14, 3, 2, tzinfo=UTC)),
        ({"taken": "2024:05:17 14:03:02.25"}, datetime(2024, 5, 17, 14, 3, 2)),
        ({"taken": "2024:05:17 14:03:02,250", "offset": "+00:00"}, datetime(2024, 5, 17, 14, 3, 2, tzinfo=UTC)),
        ({"taken": "2024:05:17 14:03:02+00:00", "offset": "+02:00"}, datetime(2024, 5, 17, 14, 3, 2, tzinfo=UTC)),
        ({"taken": "2024:05:17 14:03:02 "}, datetime(2024, 5, 17, 14, 3, 2)),
        ({"taken": "2024:05:17 25:03:02"}, None),
        ({"taken": "2024:05:17"}, None),
        ({"taken": "0000:00:00 00:00:00"}, None),
        ({"taken": "0001:01:01 00:00:00"}, None),
        ({"taken": "1900:12:31 23:59:59", "offset": "-12:00"}, None),
        ({"taken": "1901:01:01 00:00:00"}, datetime(1901, 1, 1)),
        ({"taken": "9999:12:31 23:59:59", "offset": "-12:00"}, None),
        ({}, None),
    ],
)
@pytest.mark.parametrize("image_format", ["JPEG", "HEIF", "PNG"])
def test_reads_when_the_photo_was_taken(image_format: str, tags: dict[str, str], captured_at: datetime | None) -> None:
    found = check_photo(encoded(astronaut(), image_format, exif=exif(**tags))).captured_at
    assert found == captured_at
    assert (found and found.utcoffset()) == (captured_at and captured_at.utcoffset())


def test_broken_exif_does_not_cost_the_photo() -> None:
    data = encoded(astronaut(), exif=b"Exif\0\0" + b"\xff" * 60)
    assert check_photo(data).captured_at is None
    assert decode(data).image.shape == (512, 512, 3)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("read", [check_photo, decode])
def test_survives_random_damage(image_format: str, read: Callable[[bytes, PhotoLimits], object]) -> None:
    """However a file is damaged, the answer is a picture or InvalidImage."""
    random = np.random.default_rng(1)
    whole = encoded(astronaut().resize((96, 96)), image_format)
    refused = 0
    for _ in range(40):
        data = bytearray(whole)
        for place in random.integers(0, min(len(data), 400), 4):
            data[place] = random.integers(256)
        try:
            read(bytes(data), PhotoLimits(max_pixels=1_000_000))
        except InvalidImage:
            refused += 1
    assert refused > 0


def test_loads_no_runtime() -> None:
    code = "import sys, ml.image, ml.registry; print([m for m in ('cv2', 'onnxruntime', 'onnx') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
