"""Makes copies of photos that every browser shows."""

import io

from PIL import Image

from ml.image import decode
from ml.photo import PhotoLimits


def render_preview(data: bytes, limits: PhotoLimits, long_side: int, quality: int) -> bytes:
    """Make an upright JPEG without metadata, at most `long_side` pixels long. Raises InvalidImage."""
    photo = Image.fromarray(decode(data, limits, long_side).image)
    photo.thumbnail((long_side, long_side))
    written = io.BytesIO()
    photo.save(written, "JPEG", quality=quality)
    return written.getvalue()
