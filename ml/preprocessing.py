"""Turns a face in a photo into the classifier's input. Training uses the same code."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.types import BoundingBox, FaceInputs, GreyFaces, Image, Landmarks, Preprocessing

# In grey levels. A face without any contrast becomes zeros, and not noise.
SMALLEST_DEVIATION = 1.0

# Degrees. The landmarks are less exact than this, so a smaller turn would only blur the face.
SMALLEST_TILT = 5.0
# Degrees. From here on a face is turned in any case, as no network has learnt faces that lie or stand on their head.
LYING = 60.0


def crop_face(
    image: Image, box: BoundingBox, preprocessing: Preprocessing, landmarks: Landmarks | None = None
) -> NDArray[np.uint8]:
    """Cut a square around the box, and shrink it by area averaging.

    The side of the square is the longer side of the box times the margin. Where the square leaves the photo, the edge
    pixels are repeated. `box` is in pixels of `image`. With landmarks, the square is turned with the eyes if the
    preprocessing is aligned or the face lies. Only the direction of the eyes counts, so the landmarks may have another
    scale.
    Returns grey, (size, size), 0..255 (ITU-R BT.601 luma of the RGB photo, as in FER-2013's grey JPEGs).
    """
    side = max(round(max(box.width, box.height) * preprocessing.margin), 1)
    smallest = SMALLEST_TILT if preprocessing.aligned else LYING
    if landmarks and abs(angle := measure_tilt(landmarks)) >= smallest:
        return _turned_crop(image, box, side, preprocessing.size, angle)
    left = round(box.x + box.width / 2 - side / 2)
    top = round(box.y + box.height / 2 - side / 2)
    height, width = image.shape[:2]
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    inside = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    grey = cv2.cvtColor(np.ascontiguousarray(inside), cv2.COLOR_RGB2GRAY)
    square = grey[np.ix_(rows - rows[0], columns - columns[0])]
    size = (preprocessing.size, preprocessing.size)
    interpolation = cv2.INTER_AREA if side >= preprocessing.size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, size, interpolation=interpolation), dtype=np.uint8)


def measure_tilt(landmarks: Landmarks) -> float:
    """Return by how many degrees the line of the eyes is turned clockwise, as the viewer sees it: -180..180."""
    (left, left_y), (right, right_y) = landmarks.left_eye, landmarks.right_eye
    return math.degrees(math.atan2(right_y - left_y, right - left))


def _turned_crop(image: Image, box: BoundingBox, side: int, size: int, degrees: float) -> NDArray[np.uint8]:
    """Cut out a square that is turned clockwise around the centre of the box.

    The photo is sampled once, at about its own resolution, and that grid is averaged over whole numbers of pixels.
    """
    fine = math.ceil(side / size)
    grid = size * fine
    x, y = box.x + box.width / 2 - 0.5, box.y + box.height / 2 - 0.5  # 0, 0 is the middle of the first pixel
    turn = np.asarray(cv2.getRotationMatrix2D((x, y), degrees, grid / side), np.float64)
    turn[:, 2] += np.array([(grid - 1) / 2 - x, (grid - 1) / 2 - y])
    square = cv2.warpAffine(image, turn, (grid, grid), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    grey = cv2.cvtColor(square, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def normalise(faces: GreyFaces, preprocessing: Preprocessing) -> FaceInputs:
    """Remove brightness and contrast from grey faces: (faces, size, size) -> (faces, size, size, 1).

    "standardise" subtracts the mean of each face and divides by its standard deviation. Raises ValueError for
    another normalisation.
    """
    if preprocessing.normalisation != "standardise":
        raise ValueError(f"Unknown normalisation {preprocessing.normalisation!r}.")
    pixels = faces.astype(np.float32)
    mean = pixels.mean(axis=(1, 2), keepdims=True)
    deviation = np.maximum(pixels.std(axis=(1, 2), keepdims=True), SMALLEST_DEVIATION)
    standardised: FaceInputs = ((pixels - mean) / deviation)[..., np.newaxis]
    return standardised


def to_pictures(inputs: FaceInputs) -> GreyFaces:
    """Turn normalised inputs back into pictures for people: (faces, size, size, 1) -> (faces, size, size), 0..255.

    The mean becomes mid-grey, and two deviations above it white.
    """
    pictures: GreyFaces = np.clip(inputs[..., 0] * 64 + 128, 0, 255).astype(np.uint8)
    return pictures
