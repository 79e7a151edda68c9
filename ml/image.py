"""A photo's bytes become an upright RGB array. Pillow and numpy only, so that web processes can import it."""

import io
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import jpeg_factory
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from ml import types
from ml.colour import to_rgb
from ml.errors import InvalidImage
from ml.exif import captured_at, orientation, read_exif
from ml.jpeg_process import check_process

MEGABYTE = 1024 * 1024
MEGAPIXEL = 1_000_000


@dataclass(frozen=True, slots=True)
class PhotoLimits:
    """What is refused before it is decoded."""

    max_bytes: int = 25 * MEGABYTE
    max_pixels: int = 60 * MEGAPIXEL


@dataclass(frozen=True, slots=True)
class PhotoInfo:
    """What a photo says of itself."""

    format: str  # one of the names in FORMATS
    extension: str  # with the dot, for naming a stored copy
    width: int  # pixels, upright
    height: int
    captured_at: datetime | None  # EXIF DateTimeOriginal; naive when the camera wrote no offset


@dataclass(frozen=True, slots=True)
class DecodedPhoto:
    """A photo at the original's size or reduced, with the size that the original has."""

    image: types.Image  # upright, RGB
    width: int  # pixels of the upright original
    height: int

    @property
    def scale(self) -> float:
        """Pixels of the original for one pixel of the image."""
        height, width = self.image.shape[:2]
        return max(self.width, self.height) / max(int(height), int(width))


@dataclass(frozen=True, slots=True)
class PhotoFormat:
    name: str
    extension: str
    opener: Callable[[io.BytesIO], ImageFile]
    several_pictures: bool = False  # the first one is the photo: JPEG with previews (MPO), HEIC


JPEG = PhotoFormat("JPEG", ".jpg", jpeg_factory, several_pictures=True)
PNG = PhotoFormat("PNG", ".png", PngImageFile)
WEBP = PhotoFormat("WebP", ".webp", WebPImageFile)
HEIC = PhotoFormat("HEIC", ".heic", HeifImageFile, several_pictures=True)
BMP = PhotoFormat("BMP", ".bmp", BmpImageFile)
TIFF = PhotoFormat("TIFF", ".tiff", TiffImageFile)
FORMATS = (JPEG, PNG, WEBP, HEIC, BMP, TIFF)
ACCEPTED = ", ".join(each.name for each in FORMATS[:-1]) + f" or {FORMATS[-1].name}"

# The brands of HEIF files that hold HEVC pictures (ISO/IEC 23008-12, annex B).
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")

# How each scan of a JPEG begins, and those of pictures embedded in it: marker, length, number of components. The
# marker alone stands by chance in what cameras append, such as a short film.
SCAN = re.compile(rb"\xff\xda\x00(?:\x06\x00|\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")
# Ordinary ones have 1 to 12. Each takes time for every pixel of the picture and may have only a few bytes.
MAX_SCANS = 100

# Held by the one thread that decodes a picture which its decoder keeps whole: hundreds of megabytes each.
WHOLE_PICTURE = threading.Lock()

# EXIF orientation (tag 0x0112) to what makes the picture upright.
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
    taken = captured_at(photo.exif)
    with _decoding():
        if photo.format is PNG:
            photo.image.verify()  # the checksum of each chunk
        else:
            with photo.turn:
                photo.image.draft(None, (1, 1))  # JPEG: an eighth, which still reads the whole file
                photo.image.load()
    return PhotoInfo(photo.format.name, photo.format.extension, width, height, taken)


def decode(data: bytes, limits: PhotoLimits | None = None, long_side: int | None = None) -> DecodedPhoto:
    """Decode a photo upright, in RGB.

    With `long_side`, a larger photo may come reduced, but its long side has at least that many pixels:
    JPEGs are decoded at 1/2, 1/4 or 1/8 (much faster), other formats averaged after decoding.
    Waits while another thread decodes a photo whole, unless this one can be decoded reduced.
    Raises InvalidImage with a sentence for the photo's owner.
    """
    photo = _open(data, limits or PhotoLimits())
    width, height = photo.upright_size
    with _decoding(), photo.turn:
        pixels = to_rgb(_reduced(photo.image, long_side))
        if photo.orientation in UPRIGHT:
            pixels = pixels.transpose(UPRIGHT[photo.orientation])
        return DecodedPhoto(np.asarray(pixels), width, height)


@dataclass(frozen=True, slots=True)
class _OpenedPhoto:
    """A photo whose header has been read, and nothing more."""

    format: PhotoFormat
    image: ImageFile
    exif: Image.Exif
    kept_whole: bool  # by its decoder, however small the picture that is wanted

    @property
    def turn(self) -> AbstractContextManager[object]:
        """To be held while the photo is decoded."""
        return WHOLE_PICTURE if self.kept_whole else nullcontext()

    @property
    def orientation(self) -> int:
        """The EXIF orientation that is still to be applied, 1..8."""
        # The decoders of these two turn the picture themselves, and give its upright size.
        return 1 if self.format in (TIFF, HEIC) else orientation(self.exif)

    @property
    def upright_size(self) -> tuple[int, int]:
        width, height = self.image.size
        return (height, width) if self.orientation in SWAPS_SIDES else (width, height)


def _open(data: bytes, limits: PhotoLimits) -> _OpenedPhoto:
    """Read the header and refuse what is over the limits."""
    if not data:
        raise InvalidImage("The file is empty. Choose the photo again.")
    if len(data) > limits.max_bytes:
        raise InvalidImage(
            f"The file has {len(data) / MEGABYTE:.1f} MB; at most {limits.max_bytes / MEGABYTE:g} MB are accepted."
            " Save the photo smaller."
        )
    photo_format = _recognise(data)
    if photo_format is JPEG:
        check_process(data)
    scans = _scans(data) if photo_format is JPEG else []
    # The plugins' own classes instead of Image.open: that one has a pixel limit of its own, global to the process.
    with _decoding():
        image = photo_format.opener(io.BytesIO(data))
        # Not n_frames, for which each page of a TIFF would be looked up.
        several = not photo_format.several_pictures and getattr(image, "is_animated", False)
    _check_size(image.size, limits)
    if several:
        raise InvalidImage("The file is an animation or has several pages. Send one still photo.")
    return _OpenedPhoto(
        photo_format, image, read_exif(image, data), photo_format is not JPEG or _in_parts(image, scans)
    )


def _recognise(data: bytes) -> PhotoFormat:
    if data[:3] == b"\xff\xd8\xff":
        return JPEG
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[4:8] == b"ftyp" and data[8:12] in HEIC_BRANDS:
        return HEIC
    if data[:2] == b"BM":
        return BMP
    if data[:4] in (b"II*\0", b"MM\0*"):
        return TIFF
    raise InvalidImage(f"The file is not a photo in a format that can be read. Use {ACCEPTED}.")


def _scans(data: bytes) -> list[int]:
    """The number of components in each scan of a JPEG."""
    scans = [found[0][-1] for found in islice(SCAN.finditer(data), MAX_SCANS + 1)]
    if len(scans) > MAX_SCANS:
        raise InvalidImage(
            f"The photo is stored in more than {MAX_SCANS} passes, which takes too long to read."
            " Save it again as an ordinary JPEG."
        )
    return scans


def _in_parts(image: ImageFile, scans: list[int]) -> bool:
    """Whether a JPEG's decoder keeps all coefficients, as the next scan may add to any of them."""
    return "progressive" in image.info or min(scans, default=0) < getattr(image, "layers", 1)


def _check_size(size: tuple[int, int], limits: PhotoLimits) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise InvalidImage("The photo has no pixels. Choose another one.")
    if width * height > limits.max_pixels:
        raise InvalidImage(
            f"The photo has {width} x {height} pixels ({width * height / MEGAPIXEL:.1f} megapixels);"
            f" at most {limits.max_pixels / MEGAPIXEL:g} megapixels are accepted. Save it smaller."
        )


@contextmanager
def _decoding() -> Iterator[None]:
    """Whatever a decoder raises on broken or hostile bytes becomes a sentence for the photo's owner."""
    try:
        yield
    except InvalidImage:
        raise
    except Exception as error:
        raise InvalidImage("The photo is incomplete or broken. Copy or export it again.") from error


def _reduced(image: ImageFile, long_side: int | None) -> Image.Image:
    if long_side is None:
        return image
    # A JPEG is decoded at a fraction in the decoder; other formats ignore draft.
    share = min(long_side / max(image.size), 1.0)
    image.draft(None, (max(int(image.width * share), 1), max(int(image.height * share), 1)))
    factor = max(image.size) // long_side
    return image.reduce(factor) if factor > 1 and image.mode in ("RGB", "RGBA", "L", "LA", "CMYK") else image
