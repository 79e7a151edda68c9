"""Make photos for the tests from scikit-image's public-domain pictures."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pillow_heif
import skimage.data
from PIL import Image, ImageOps

pillow_heif.register_heif_opener()  # the tests write HEIC; the pipeline needs no registration

FACE = (170, 60, 110, 140)  # roughly where the astronaut's face is: x, y, width, height
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "BMP", "TIFF")


def astronaut() -> Image.Image:
    """Return a photo of 512 x 512 pixels with one smiling face."""
    return Image.fromarray(skimage.data.astronaut())


def encoded(image: Image.Image, image_format: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Return the picture as it is stored by a camera that marks it with this EXIF orientation."""
    undo: dict[int, Callable[[Image.Image], Image.Image]] = {
        1: lambda picture: picture,
        2: ImageOps.mirror,
        3: lambda picture: picture.rotate(180),
        4: ImageOps.flip,
        5: lambda picture: picture.transpose(Image.Transpose.TRANSPOSE),
        6: lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
        7: lambda picture: picture.transpose(Image.Transpose.TRANSVERSE),
        8: lambda picture: picture.transpose(Image.Transpose.ROTATE_270),
    }
    return undo[orientation](image)


def exif(**tags: Any) -> Image.Exif:
    """Return EXIF with an orientation and, in its sub-directory, the time of the photo."""
    data = Image.Exif()
    data[0x0112] = tags.get("orientation", 1)
    details = data.get_ifd(0x8769)
    if "taken" in tags:
        details[0x9003] = tags["taken"]
    if "offset" in tags:
        details[0x9011] = tags["offset"]
    return data


def overlap(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Return the intersection over union of two boxes: x, y, width, height."""
    left, top = np.maximum(first[:2], second[:2])
    right, bottom = np.minimum(np.add(first[:2], first[2:]), np.add(second[:2], second[2:]))
    shared = max(right - left, 0) * max(bottom - top, 0)
    return float(shared / (first[2] * first[3] + second[2] * second[3] - shared))


def png_that_claims(width: int, height: int) -> bytes:
    """Return a PNG of a few kilobytes that declares any size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(4_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def animation(image_format: str) -> bytes:
    """Return a picture of three frames, 40 x 40 pixels."""
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "green", "blue")]
    return encoded(frames[0], image_format, save_all=True, append_images=frames[1:])
