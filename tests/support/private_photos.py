"""Make photos that say where, when and by whom they were taken, in every place that their format offers."""

from typing import Any

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from tests.support.photos import astronaut, encoded, exif, turned

SECRET = b"Hammerfest"
TRAILING = b"a film of " + SECRET
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><place>' + SECRET + b"</place></x:xmpmeta>"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
UPRIGHT = astronaut().crop((0, 0, 400, 300))


def private_exif(orientation: int = 1) -> Image.Exif:
    """Return EXIF that says where, when and by whom a photo was taken."""
    tags = exif(orientation=orientation, taken="2024:05:17 14:03:02")
    tags[0x013B] = SECRET.decode()
    tags[0x8825] = {1: "N", 2: (70.0, 39.0, 48.0), 3: "E", 4: (23.0, 40.0, 56.0), 27: SECRET}
    return tags


def private_photo(image_format: str, orientation: int = 1, **options: Any) -> bytes:
    """Return an encoded photo with EXIF orientation 1 to 8. The bytes after its end hold the secret too."""
    if image_format != "BMP":
        tags = private_exif(orientation)
        options |= {"exif": tags.tobytes() if image_format == "TIFF" else tags, "icc_profile": PROFILE}
    if image_format in ("JPEG", "WEBP", "TIFF", "HEIF", "AVIF"):
        options["xmp"] = XMP
    if image_format == "PNG":
        texts = PngInfo()
        texts.add_text("Location", SECRET.decode())
        options["pnginfo"] = texts
    if image_format == "JPEG":
        options["comment"] = SECRET
    picture = UPRIGHT if image_format in ("BMP", "HEIF") else turned(UPRIGHT, orientation)
    return encoded(picture, image_format, **options) + TRAILING
