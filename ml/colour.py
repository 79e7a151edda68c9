"""Turns every colour mode that a photo can have into RGB. Uses Pillow and numpy only."""

import numpy as np
from PIL import Image

WITH_ALPHA = ("RGBA", "RGBa", "LA", "La", "PA")
DEEP_GREY = ("I;16", "I;16B", "I;16L", "I;16N", "I")


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert to 8-bit RGB, with transparency put on white, and 16-bit and float greys scaled.

    Raises ValueError for a mode that Pillow cannot convert.
    """
    if is_deep_grey(image):  # first, because Pillow's own conversion makes all above 255 white
        return _from_deep_grey(image).convert("RGB")
    if image.mode == "RGB" and "transparency" not in image.info:
        image.load()
        return image
    if image.mode in WITH_ALPHA or "transparency" in image.info:
        return _on_white(image.convert("RGBA"))
    return image.convert("RGB")


def is_deep_grey(image: Image.Image) -> bool:
    """Tell whether the greys have more than 8 bits."""
    return image.mode in DEEP_GREY or image.mode == "F"


def _on_white(image: Image.Image) -> Image.Image:
    background = Image.new("RGB", image.size, "white")
    background.paste(image, mask=image.getchannel("A"))
    return background


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """Scale greys to 0..255. Integers count as 16 bits deep, or as 32 if one needs it; floats as 0..1 or 0..255."""
    values = np.asarray(image).astype(np.float32)
    transparent = image.info.get("transparency")  # one grey, in a PNG
    clear = values == transparent if isinstance(transparent, int) else None
    brightest = float(values.max())
    expected, otherwise = (1.0, 255.0) if image.mode == "F" else (65_535.0, 2.0**31 - 1)
    white = expected if brightest <= expected else otherwise
    values *= 255 / white  # in place, like the next steps, because such a photo takes hundreds of megabytes
    np.clip(np.rint(values, out=values), 0, 255, out=values)
    if clear is not None:
        values[clear] = 255
    return Image.fromarray(values.astype(np.uint8))
