"""Refuses photos because of their size, before anything is decoded."""

from ml.errors import InvalidImage
from ml.photo import MEGABYTE, MEGAPIXEL, PhotoLimits

DEEP_GREY = "photo in 16-bit grey"
# Pixels, even where the limit for all photos is higher, because decoding one pixel takes 16 and 11 bytes of memory.
MAX_PIXELS_OF = {"WebP": 30 * MEGAPIXEL, DEEP_GREY: 45 * MEGAPIXEL}
# Pixels. Panoramas have half as many; longer rows cost more than the picture.
MAX_SIDE = 32_000
# A photo has at least one byte for this many pixels; only pictures of one colour have fewer. Small pictures are exempt.
PIXELS_OF_A_BYTE = 200
SMALL = 8 * MEGAPIXEL


def check_file(data: bytes, limits: PhotoLimits) -> None:
    """Refuse an empty file, and one with too many bytes. Raises InvalidImage with a sentence for the photo's owner."""
    if not data:
        raise InvalidImage("The file is empty. Choose the photo again.")
    if len(data) > limits.max_bytes:
        raise InvalidImage(
            f"The file has {len(data) / MEGABYTE:.1f} MB; at most {limits.max_bytes / MEGABYTE:g} MB are accepted."
            " Save the photo smaller."
        )


def check_size(kind: str, size: tuple[int, int], file_bytes: int, max_pixels: int) -> None:
    """Refuse too many pixels, sides that are too long, and too few bytes for the pixels.

    `kind` is a name in MAX_PIXELS_OF or any other. Raises InvalidImage with a sentence for the photo's owner.
    """
    width, height = size
    pixels = width * height
    if width < 1 or height < 1:
        raise InvalidImage("The photo has no pixels. Choose another one.")
    of_kind = ""
    if MAX_PIXELS_OF.get(kind, max_pixels) < max_pixels:
        max_pixels, of_kind = MAX_PIXELS_OF[kind], f" of a {kind}"
    if pixels > max_pixels:
        raise InvalidImage(
            f"The photo has {width} x {height} pixels ({pixels / MEGAPIXEL:.1f} megapixels);"
            f" at most {max_pixels / MEGAPIXEL:g} megapixels{of_kind} are accepted. Save it smaller."
        )
    if max(size) > MAX_SIDE:
        raise InvalidImage(
            f"The photo has {width} x {height} pixels; at most {MAX_SIDE} are accepted on a side. Save it smaller."
        )
    if pixels > SMALL + PIXELS_OF_A_BYTE * file_bytes:
        raise InvalidImage(
            f"The file has only {file_bytes} bytes for {width} x {height} pixels, which is less than any photo has."
            " Choose another one."
        )
