"""From a face in a photo to the classifier's input. Training uses the same code."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.types import BoundingBox, FaceInputs, GreyFaces, Image, Landmarks, Preprocessing

# One grey level, so that a face without any contrast becomes zeros and not noise.
SMALLEST_DEVIATION = 1.0

# Degrees. The landmarks are less exact than this, so a smaller turn would only blur the face.
SMALLEST_TILT = 5.0
# Degrees. No network has learnt faces that lie on their side or stand on their head.
LYING = 60.0


def crop_face(
    image: Image, box: BoundingBox, preprocessing: Preprocessing, landmarks: Landmarks | None = None
) -> NDArray[np.uint8]:
    """Cut a square around the box and shrink it by area averaging.

    The square's side is the box's longer side times the margin; where it leaves the photo, the edge
    pixels are repeated. `box` is in pixels of `image`. If landmarks are given, the square is turned with the
    eyes where the preprocessing is aligned or the face lies; only their direction counts, so the landmarks may be at
    another scale.
    Returns (size, size) grey, 0..255 (ITU-R BT.601 luma of the RGB photo, as in FER-2013's grey JPEGs).
    """
    side = max(round(max(box.width, box.height) * preprocessing.margin), 1)
    smallest = SMALLEST_TILT if preprocessing.aligned else LYING
    if landmarks and abs(angle := tilt(landmarks)) >= smallest:
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


def tilt(landmarks: Landmarks) -> float:
    """By how many degrees the line of the eyes is turned clockwise, as the viewer sees it: -180..180."""
    (left, left_y), (right, right_y) = landmarks.left_eye, landmarks.right_eye
    return math.degrees(math.atan2(right_y - left_y, right - left))


def _turned_crop(image: Image, box: BoundingBox, side: int, size: int, degrees: float) -> NDArray[np.uint8]:
    """Cut out the square that is turned clockwise around the box's centre.

    It is sampled once, at about the photo's own resolution, and that grid is averaged over whole numbers of pixels.
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
    """Take the intensity and the illumination out of grey faces.

    "standardise": each face has its mean subtracted and is divided by its standard deviation, so that
    neither brightness nor contrast of the photo counts. (faces, size, size) -> (faces, size, size, 1).
    """
    if preprocessing.normalisation != "standardise":
        raise ValueError(f"Unknown normalisation {preprocessing.normalisation!r}.")
    pixels = faces.astype(np.float32)
    mean = pixels.mean(axis=(1, 2), keepdims=True)
    deviation = np.maximum(pixels.std(axis=(1, 2), keepdims=True), SMALLEST_DEVIATION)
    standardised: FaceInputs = ((pixels - mean) / deviation)[..., np.newaxis]
    return standardised


def as_seen(inputs: FaceInputs) -> GreyFaces:
    """Turn normalised inputs back into pictures for people: mean at mid-grey, two deviations to white.

    (faces, size, size, 1) -> (faces, size, size), 0..255.
    """
    pictures: GreyFaces = np.clip(inputs[..., 0] * 64 + 128, 0, 255).astype(np.uint8)
    return pictures
