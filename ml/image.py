"""Decodes photos to upright RGB arrays, with Pillow and numpy only. Photos of strangers go through ml.sandbox."""

import io
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile

from ml.colour import is_deep_grey, to_rgb
from ml.errors import BROKEN, InvalidImage
from ml.formats import OpenedFile, PhotoFormat, recognise
from ml.formats.exif import read_capture_time, read_orientation
from ml.photo import DecodedPhoto, PhotoInfo, PhotoLimits
from ml.photo_size import DEEP_GREY, check_file, check_size
from ml.stripping import remove_metadata
from ml.turn import Turn

# Held while a decoder keeps a whole picture, which takes hundreds of megabytes.
WHOLE_PICTURE = Turn()

# A JPEG that is decoded row by row may have more pixels than `max_pixels`, like those of phones with 108 and 200
# megapixels. It is decoded with its sides divided by this.
REDUCED_BY = 2
ROWS_AT_ONCE = 256

# By EXIF orientation (tag 0x0112): what makes the picture upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SWAPS_SIDES = (5, 6, 7, 8)


def check_photo(data: bytes, limits: PhotoLimits | None = None) -> PhotoInfo:
    """Find out whether a photo can be analysed, without decoding it in full where the format allows.

    Raises InvalidImage with a sentence for the photo's owner.
    """
    photo = _open(data, limits or PhotoLimits())
    width, height = photo.upright_size
    taken = read_capture_time(photo.file.exif)
    with _decoding(), photo.turn:
        photo.refuse_cut_off()
        if not photo.file.checked:
            photo.file.image.draft(None, (1, 1))  # JPEG: an eighth, which still reads the whole file
            photo.file.image.load()
    return PhotoInfo(photo.format.name, photo.format.extension, width, height, taken)


def strip(data: bytes, limits: PhotoLimits | None = None) -> bytes:
    """Return the photo's file without metadata, see ml.stripping. Raises InvalidImage."""
    limits = limits or PhotoLimits()
    photo = _open(data, limits)
    with _decoding():
        stripped = remove_metadata(photo.format.name, data, photo.orientation)
        if _open(stripped, limits).upright_size != photo.upright_size:
            raise InvalidImage(BROKEN)
    return stripped


def decode(data: bytes, limits: PhotoLimits | None = None, long_side: int | None = None) -> DecodedPhoto:
    """Decode a photo upright, in RGB.

    With `long_side`, a larger photo may be reduced, but its long side keeps at least that many pixels: JPEGs are
    decoded at 1/2, 1/4 or 1/8, which is much faster; other formats are averaged after decoding. A JPEG with more
    pixels than `max_pixels` is always reduced.
    Waits while another thread decodes a whole photo, unless this photo can be decoded reduced.
    Raises InvalidImage with a sentence for the photo's owner.
    """
    limits = limits or PhotoLimits()
    photo = _open(data, limits)
    width, height = photo.upright_size
    with _decoding(), photo.turn:
        photo.refuse_cut_off()
        pixels = to_rgb(_reduce(photo.file.image, long_side, limits.max_pixels))
        if photo.orientation in UPRIGHT:
            pixels = pixels.transpose(UPRIGHT[photo.orientation])
        return DecodedPhoto(np.asarray(pixels), width, height)


@dataclass(frozen=True, slots=True)
class _OpenedPhoto:
    """A photo whose header has been read, and nothing more."""

    format: PhotoFormat
    file: OpenedFile

    @property
    def turn(self) -> AbstractContextManager[object]:
        """Return what must be held while the photo is decoded."""
        return WHOLE_PICTURE if self.file.kept_whole else nullcontext()

    @property
    def orientation(self) -> int:
        """Return the EXIF orientation that is still to be applied, 1..8."""
        return 1 if self.format.turned_by_decoder else read_orientation(self.file.exif)

    @property
    def upright_size(self) -> tuple[int, int]:
        width, height = self.file.image.size
        return (height, width) if self.orientation in SWAPS_SIDES else (width, height)

    def refuse_cut_off(self) -> None:
        """Raise InvalidImage for a JPEG that lacks more than its end marker."""
        if len({_fingerprint(data, whole=self.file.kept_whole) for data in self.file.continuations}) > 1:
            raise InvalidImage(BROKEN)


def _fingerprint(data: bytes, whole: bool) -> int:
    """Return a checksum of a JPEG's pixels; of an eighth where each scan holds all pixels, as no row can be missing."""
    image = JpegImageFile(io.BytesIO(data))
    if not whole:
        image.draft(None, (1, 1))
    image.load()
    checksum = 0
    for top in range(0, image.height, ROWS_AT_ONCE):
        rows = image.crop((0, top, image.width, min(top + ROWS_AT_ONCE, image.height)))
        checksum = zlib.crc32(rows.tobytes(), checksum)
    return checksum


def _open(data: bytes, limits: PhotoLimits) -> _OpenedPhoto:
    """Read the header, and refuse a photo that is over the limits."""
    check_file(data, limits)
    photo_format = recognise(data)
    with _decoding():
        file = photo_format.open(data)
    kind = DEEP_GREY if is_deep_grey(file.image) else photo_format.name
    max_pixels = limits.max_pixels * (1 if file.kept_whole else REDUCED_BY**2)
    check_size(kind, file.image.size, len(data), max_pixels)
    if file.several_pictures:
        raise InvalidImage("The file is an animation or has several pages. Send one still photo.")
    return _OpenedPhoto(photo_format, file)


@contextmanager
def _decoding() -> Iterator[None]:
    """Turn whatever a decoder raises on broken or hostile bytes into a sentence for the photo's owner."""
    try:
        yield
    except (InvalidImage, MemoryError):
        raise
    except Exception as error:
        raise InvalidImage(BROKEN) from error


def _reduce(image: ImageFile, long_side: int | None, max_pixels: int) -> Image.Image:
    share = min(long_side / max(image.size), 1.0) if long_side else 1.0
    if image.width * image.height > max_pixels:
        share = min(share, 1 / REDUCED_BY)
    # A JPEG is decoded at a fraction in the decoder; other formats ignore draft.
    image.draft(None, (max(int(image.width * share), 1), max(int(image.height * share), 1)))
    if long_side is None or image.mode not in ("RGB", "RGBA", "L", "LA", "CMYK"):
        return image
    factor = max(image.size) // long_side
    return image.reduce(factor) if factor > 1 else image
