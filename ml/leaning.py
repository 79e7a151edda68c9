"""A photo turned until heads that lean stand upright, and the way back."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.preprocessing import tilt
from ml.types import FaceDetection, Image, Landmarks

GREY = (128, 128, 128)  # what the nets take for nothing


@dataclass(frozen=True, slots=True)
class TurnedPicture:
    image: Image  # all of the picture, upon grey
    back: NDArray[np.float64]  # (2, 3): from its pixels to the picture's

    def corners(self, face: FaceDetection) -> NDArray[np.float32]:
        """Left, top, right and bottom, in the picture's pixels, of an upright box as large around the same middle."""
        box = face.box
        middle = self.points([(box.x + box.width / 2, box.y + box.height / 2)])[0]
        half = np.array([box.width / 2, box.height / 2])
        if abs(self.back[0, 1]) > abs(self.back[0, 0]):  # what is high there is wide in the picture
            half = half[::-1]
        return np.concatenate([middle - half, middle + half]).astype(np.float32)

    def landmarks(self, face: FaceDetection) -> NDArray[np.float32]:
        """The five points (5, 2) in the picture's pixels, in the order of Landmarks."""
        return self.points([getattr(face.landmarks, field.name) for field in fields(Landmarks)])

    def points(self, points: Sequence[Any]) -> NDArray[np.float32]:
        return np.asarray(np.asarray(points) @ self.back[:, :2].T + self.back[:, 2], np.float32)


def upright(picture: Image, degrees: float) -> TurnedPicture:
    """Turn the picture so that what leans clockwise by that much stands upright."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = round(width * cosine + height * sine), round(width * sine + height * cosine)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    turned = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderValue=GREY)
    return TurnedPicture(np.asarray(turned, np.uint8), np.asarray(cv2.invertAffineTransform(matrix), np.float64))


def common_lean(faces: Sequence[FaceDetection]) -> float:
    """By how many degrees the middle one of the faces leans clockwise."""
    return statistics.median(tilt(face.landmarks) for face in faces)
