"""Recognises the format of a photo, and opens it without decoding it. Uses Pillow only."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from ml.errors import InvalidImage
from ml.formats.bmp import refuse_compressed
from ml.formats.exif import parse_exif, read_tiff_exif
from ml.formats.jpeg import read_jpeg
from ml.formats.png import SIGNATURE, read_png
from ml.formats.tags import refuse_many_tags
from ml.formats.tiff import raw_file_error, refuse_raw
from ml.photo import ACCEPTED


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A photo's file whose header has been read."""

    # Opened by the plugins' own classes, because Image.open has a pixel limit that is global to the process.
    image: ImageFile
    exif: Image.Exif
    several_pictures: bool = False  # pages or frames, none of which is the photo
    kept_whole: bool = True  # the decoder keeps the whole picture, even if a small one is wanted
    checked: bool = False  # for PNG, by the checksum of each chunk
    continuations: tuple[bytes, ...] = ()  # for a JPEG without its end, see Jpeg.continuations


@dataclass(frozen=True, slots=True)
class PhotoFormat:
    """A format that can be read."""

    name: str
    extension: str  # with the dot, for naming a stored copy
    open: Callable[[bytes], OpenedFile]
    turned_by_decoder: bool = False  # the decoder turns the picture, and reports the upright size


def _open_jpeg(data: bytes) -> OpenedFile:
    jpeg = read_jpeg(data)
    image = JpegImageFile(io.BytesIO(jpeg.picture))
    continuations = () if jpeg.has_end else jpeg.continuations
    return OpenedFile(image, parse_exif(jpeg.exif), kept_whole=jpeg.comes_in_parts, continuations=continuations)


def _open_png(data: bytes) -> OpenedFile:
    png = read_png(data)
    image = PngImageFile(io.BytesIO(png.picture))
    return OpenedFile(image, parse_exif(png.exif), png.animated, checked=png.is_sound)


def _open_webp(data: bytes) -> OpenedFile:
    image = WebPImageFile(io.BytesIO(data))
    return OpenedFile(image, parse_exif(image.info.get("exif", b"")), image.is_animated)


def _open_heic(data: bytes) -> OpenedFile:
    # If there are several pictures, the first one is the photo.
    image: ImageFile = HeifImageFile(io.BytesIO(data))  # type: ignore[no-untyped-call]
    return OpenedFile(image, parse_exif(image.info.get("exif") or b""))


def _open_avif(data: bytes) -> OpenedFile:
    image = AvifImageFile(io.BytesIO(data))
    # Pillow replaces the orientation in the EXIF by that of the file's own properties, which alone counts.
    return OpenedFile(image, parse_exif(image.info.get("exif", b"")), image.is_animated)


def _open_bmp(data: bytes) -> OpenedFile:
    refuse_compressed(data)
    return OpenedFile(BmpImageFile(io.BytesIO(data)), Image.Exif())


def _open_tiff(data: bytes) -> OpenedFile:
    refuse_raw(data)
    refuse_many_tags(data)
    image = TiffImageFile(io.BytesIO(data))
    # n_frames would look up each page.
    return OpenedFile(image, read_tiff_exif(image), image.is_animated)


JPEG = PhotoFormat("JPEG", ".jpg", _open_jpeg)
PNG = PhotoFormat("PNG", ".png", _open_png)
WEBP = PhotoFormat("WebP", ".webp", _open_webp)
HEIC = PhotoFormat("HEIC", ".heic", _open_heic, turned_by_decoder=True)
AVIF = PhotoFormat("AVIF", ".avif", _open_avif)
BMP = PhotoFormat("BMP", ".bmp", _open_bmp)
TIFF = PhotoFormat("TIFF", ".tiff", _open_tiff, turned_by_decoder=True)
FORMATS = (JPEG, PNG, WEBP, HEIC, AVIF, BMP, TIFF)

# The brands of HEIF files that hold HEVC pictures (ISO/IEC 23008-12, annex B), or AV1 ones.
AVIF_BRANDS = {b"avif", b"avis"}
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}

# The first bytes of RAW files that are no TIFFs: Fujifilm, Panasonic, Olympus (two), Sigma and Canon.
RAW = re.compile(rb"FUJIFILMCCD-RAW|IIU\0|IIR[OS]|MMOR|FOVb|....ftypcrx ", re.DOTALL)


def recognise(data: bytes) -> PhotoFormat:
    """Recognise the format by the first bytes. Raises InvalidImage with a sentence for the photo's owner."""
    if data[:3] == b"\xff\xd8\xff":
        return JPEG
    if data[:8] == SIGNATURE:
        return PNG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[4:8] == b"ftyp" and (found := _by_brand(data)):
        return found
    if data[:2] == b"BM":
        return BMP
    if data[:4] in (b"II*\0", b"MM\0*"):
        return TIFF
    if RAW.match(data):
        raise raw_file_error()
    if data[:4] in (b"II+\0", b"MM\0+"):
        raise InvalidImage("The file is a BigTIFF, which cannot be read. Save it as an ordinary TIFF, or as a JPEG.")
    raise InvalidImage(f"The file is not a photo in a format that can be read. Use {ACCEPTED}.")


def _by_brand(data: bytes) -> PhotoFormat | None:
    """Return HEIC or AVIF, by the brand of the file or the brands that it is compatible with."""
    box = data[: min(int.from_bytes(data[:4]), 256)]
    main, others = box[8:12], {box[at : at + 4] for at in range(16, len(box), 4)}
    if main in AVIF_BRANDS or (main in (b"mif1", b"msf1") and others & AVIF_BRANDS):
        return AVIF
    return HEIC if main in HEIC_BRANDS else None
