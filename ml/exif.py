"""What a camera wrote into a photo: which way is up, and when it was taken. Pillow only."""

from datetime import datetime

from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile

PNG_SIGNATURE_BYTES = 8
PNG_CHUNK_FRAME_BYTES = 12  # length, kind and checksum
# Others come from clocks that were never set, and no time zone can move these past what dates can hold.
YEARS = range(1901, 9000)


def read_exif(image: ImageFile, data: bytes) -> Image.Exif:
    """The EXIF of an opened photo, empty where it is broken: the photo can still be good."""
    try:
        if not isinstance(image, PngImageFile):
            return image.getexif()
        exif = Image.Exif()  # PngImageFile.getexif would decode the whole picture
        exif.load(_png_exif(data))
        return exif
    except Exception:
        return Image.Exif()


def orientation(exif: Image.Exif) -> int:
    """1..8, 1 when nothing is said."""
    value = exif.get(ExifTags.Base.Orientation, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def captured_at(exif: Image.Exif) -> datetime | None:
    """DateTimeOriginal with OffsetTimeOriginal; naive when the camera wrote no offset, None outside YEARS."""
    try:
        details = exif.get_ifd(ExifTags.IFD.Exif)
        taken = str(details[ExifTags.Base.DateTimeOriginal]).strip("\0 ")
        offset = str(details.get(ExifTags.Base.OffsetTimeOriginal, "")).strip("\0 ")
    except Exception:  # Pillow raises many types on broken EXIF
        return None
    for text, pattern in ((taken + offset, "%Y:%m:%d %H:%M:%S%z"), (taken, "%Y:%m:%d %H:%M:%S")):
        try:
            found = datetime.strptime(text, pattern)
        except ValueError:
            continue
        return found if found.year in YEARS else None
    return None


def _png_exif(data: bytes) -> bytes:
    """The body of the eXIf chunk, which some programs write behind the pixels."""
    position = PNG_SIGNATURE_BYTES
    while position + PNG_CHUNK_FRAME_BYTES <= len(data):
        length = int.from_bytes(data[position : position + 4])
        if data[position + 4 : position + 8] == b"eXIf":
            return data[position + 8 : position + 8 + length]
        position += PNG_CHUNK_FRAME_BYTES + length
    return b""
