"""Photos as staff would take them, made from a public-domain picture."""

import io

import skimage.data
from PIL import Image, ImageEnhance, ImageOps

LIGHT = (1.0, 0.75, 1.2)


def portrait(number: int) -> bytes:
    """The same person three times, in another light each time and once mirrored."""
    picture = ImageEnhance.Brightness(_astronaut()).enhance(LIGHT[number])
    return _jpeg(ImageOps.mirror(picture) if number == 1 else picture)


def two_faces() -> bytes:
    """A larger face on the left, a smaller one on the right."""
    photo = Image.new("RGB", (900, 512), "grey")
    photo.paste(_astronaut(), (0, 0))
    photo.paste(_astronaut().resize((380, 380)), (520, 100))
    return _jpeg(photo)


def _astronaut() -> Image.Image:
    return Image.fromarray(skimage.data.astronaut()).crop((0, 0, 512, 400))


def _jpeg(picture: Image.Image) -> bytes:
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=90)
    return written.getvalue()
