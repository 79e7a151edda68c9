"""The jobs that a process of the sandbox does with one photo."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from ml import image, preview
from ml.errors import InvalidImage
from ml.photo import PhotoLimits
from ml.sandbox.messages import Buffer

Answer = tuple[dict[str, Any], Buffer]

TOO_MUCH_MEMORY = "Reading the photo takes too much memory. Save it smaller, or as an ordinary JPEG."


def check(data: bytes, limits: PhotoLimits) -> Answer:
    """Say what is known of the photo."""
    info = image.check_photo(data, limits)
    return asdict(info) | {"captured_at": info.captured_at.isoformat() if info.captured_at else None}, b""


def accept(data: bytes, limits: PhotoLimits) -> Answer:
    """Say what is known of the photo, and return its file without metadata."""
    header, _ = check(data, limits)
    return header, image.strip(data, limits)


def decode(data: bytes, limits: PhotoLimits, long_side: int | None) -> Answer:
    """Return the pixels, (height, width, 3), RGB."""
    photo = image.decode(data, limits, long_side)
    header = {"width": photo.width, "height": photo.height, "shape": photo.image.shape[:2]}
    return header, np.ascontiguousarray(photo.image).data.cast("B")


def render_preview(data: bytes, limits: PhotoLimits, long_side: int, quality: int) -> Answer:
    """Return a small JPEG."""
    return {}, preview.render_preview(data, limits, long_side, quality)


JOBS: dict[str, Callable[..., Answer]] = {"check": check, "accept": accept, "decode": decode, "preview": render_preview}


def run_job(job: str, data: bytes, limits: PhotoLimits, options: dict[str, Any]) -> Answer:
    """Do a job, or answer why the photo is refused."""
    try:
        return JOBS[job](data, limits, **options)
    except InvalidImage as error:
        return {"refused": str(error)}, b""
    except MemoryError:
        return {"refused": TOO_MUCH_MEMORY}, b""
