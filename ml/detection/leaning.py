"""Turns a photo until leaning heads stand upright, and maps what is found there back."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.preprocessing import measure_tilt
from ml.types import FaceDetection, Image, Landmarks

GREY = (128, 128, 128)  # in which the nets see nothing


@dataclass(frozen=True, slots=True)
class TurnedPicture:
    """A picture that was turned, and the way back to its own pixels."""

    image: Image  # the whole picture on grey
    back: NDArray[np.float64]  # (2, 3): maps pixels of the image to pixels of the picture

    def map_corners(self, face: FaceDetection) -> NDArray[np.float32]:
        """Return left, top, right and bottom, in the picture's pixels, of a box of the same size and middle."""
        box = face.box
        middle = self.map_points([(box.x + box.width / 2, box.y + box.height / 2)])[0]
        half = np.array([box.width / 2, box.height / 2])
        if abs(self.back[0, 1]) > abs(self.back[0, 0]):  # the height of the box is its width in the picture
            half = half[::-1]
        return np.concatenate([middle - half, middle + half]).astype(np.float32)

    def map_landmarks(self, face: FaceDetection) -> NDArray[np.float32]:
        """Return the five landmarks, (5, 2), in the picture's pixels, in the order of the fields of Landmarks."""
        return self.map_points([getattr(face.landmarks, field.name) for field in fields(Landmarks)])

    def map_points(self, points: Sequence[Any]) -> NDArray[np.float32]:
        """Map points, (n, 2), to the picture's pixels."""
        return np.asarray(np.asarray(points) @ self.back[:, :2].T + self.back[:, 2], np.float32)


def turn_upright(picture: Image, degrees: float) -> TurnedPicture:
    """Turn the picture so that faces that lean clockwise by this much stand upright."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = round(width * cosine + height * sine), round(width * sine + height * cosine)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    turned = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderValue=GREY)
    return TurnedPicture(np.asarray(turned, np.uint8), np.asarray(cv2.invertAffineTransform(matrix), np.float64))


def measure_common_lean(faces: Sequence[FaceDetection]) -> float:
    """Return by how many degrees the faces lean clockwise (median)."""
    return statistics.median(measure_tilt(face.landmarks) for face in faces)
