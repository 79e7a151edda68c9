"""What every face detector offers, and the arithmetic that detectors share."""

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.types import BoundingBox, FaceDetection, Image, Landmarks

LONG_SIDE = 640  # pixels of the long side at which faces are searched for


class FaceDetector(Protocol):
    """What the pipeline needs of a detector."""

    name: str

    def detect(self, image: Image) -> list[FaceDetection]:
        """Find the faces, largest first. Boxes are in pixels of the image and lie within it."""
        ...


def shrink(image: Image, long_side: int) -> tuple[Image, float]:
    """Reduce an image to a long side.

    Returns the result, and the number of pixels of the image for one of the result.
    """
    height, width = image.shape[:2]
    scale = max(height, width) / long_side
    if scale <= 1:
        return image, 1.0
    whole = int(scale)
    if whole > 1:  # OpenCV averages fast by whole numbers only; the rest is interpolated
        trimmed = image[: max(height // whole, 1) * whole, : max(width // whole, 1) * whole]
        image = resize_image(trimmed, width // whole, height // whole, cv2.INTER_AREA)
    return resize_image(image, round(width / scale), round(height / scale), cv2.INTER_LINEAR), scale


def resize_image(image: Image, width: int, height: int, interpolation: int) -> Image:
    """Resize an image, to at least one pixel in each direction."""
    size = (max(width, 1), max(height, 1))
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def clip_to_image(box: NDArray[np.float32], width: int, height: int) -> BoundingBox | None:
    """Round a box (left, top, right, bottom) to whole pixels and clip it to the image; None when nothing is left."""
    left, right = np.clip(np.rint(box[[0, 2]]), 0, width).astype(int).tolist()
    top, bottom = np.clip(np.rint(box[[1, 3]]), 0, height).astype(int).tolist()
    if right <= left or bottom <= top:
        return None
    return BoundingBox(left, top, right - left, bottom - top)


def build_landmarks(points: NDArray[np.float32]) -> Landmarks:
    """Turn five points, (5, 2), into Landmarks; they come in the order of its fields."""
    return Landmarks(*((float(x), float(y)) for x, y in points))
