"""Make photos as staff would take them from a public-domain picture."""

import io
from datetime import datetime, timedelta

import skimage.data
from PIL import ExifTags, Image, ImageEnhance, ImageOps

LIGHT = (1.0, 0.75, 1.2)


def portrait(number: int) -> bytes:
    """Return one of three photos of the same person, a week apart and in different light. One is mirrored."""
    picture = ImageEnhance.Brightness(_astronaut()).enhance(LIGHT[number])
    captured_at = datetime.now() - timedelta(weeks=len(LIGHT) - number)
    return _jpeg(ImageOps.mirror(picture) if number == 1 else picture, captured_at)


def two_faces() -> bytes:
    """Return a photo with a larger face on the left and a smaller one on the right."""
    photo = Image.new("RGB", (900, 512), "grey")
    photo.paste(_astronaut(), (0, 0))
    photo.paste(_astronaut().resize((380, 380)), (520, 100))
    return _jpeg(photo)


def _astronaut() -> Image.Image:
    return Image.fromarray(skimage.data.astronaut()).crop((0, 0, 512, 400))


def _jpeg(picture: Image.Image, captured_at: datetime | None = None) -> bytes:
    written = io.BytesIO()
    exif = Image.Exif()
    if captured_at:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = f"{captured_at:%Y:%m:%d %H:%M:%S}"
    picture.save(written, "JPEG", quality=90, exif=exif)
    return written.getvalue()
