"""Faces as they might also have been photographed."""

import cv2
import numpy as np

from ml.types import GreyFaces

ROTATION = 12.0  # degrees either way
SCALE = 0.1  # part of the size either way
SHIFT = 3.0  # pixels either way


def augment(faces: GreyFaces, random: np.random.Generator) -> GreyFaces:
    """Mirror half of the faces, and turn, scale and shift each a little. Edge pixels are repeated."""
    return np.stack([_augment_face(face, random) for face in faces])


def _augment_face(face: GreyFaces, random: np.random.Generator) -> GreyFaces:
    size = face.shape[0]
    if random.random() < 0.5:
        face = face[:, ::-1]
    centre = ((size - 1) / 2, (size - 1) / 2)
    matrix = cv2.getRotationMatrix2D(centre, random.uniform(-ROTATION, ROTATION), 1 + random.uniform(-SCALE, SCALE))
    matrix[:, 2] = matrix[:, 2] + random.uniform(-SHIFT, SHIFT, size=2)
    moved = cv2.warpAffine(
        np.ascontiguousarray(face), matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, dtype=np.uint8)
