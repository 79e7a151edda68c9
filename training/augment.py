"""Faces as they might also have been photographed."""

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.types import FaceInputs, GreyFaces

AugmentationName = Literal["none", "light", "strong"]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a face may be changed, either way unless it says otherwise."""

    rotation: float = 0.0  # degrees
    scale: float = 0.0  # part of the size
    shift: float = 0.0  # pixels of a 48x48 face
    shear: float = 0.0  # part of the size
    erasing: float = 0.0  # probability that a rectangle of it is hidden (Zhong et al. 2020)
    mirror: bool = True


AUGMENTATIONS: Final[dict[AugmentationName, Augmentation]] = {
    "none": Augmentation(mirror=False),
    "light": Augmentation(rotation=12.0, scale=0.1, shift=3.0),
    "strong": Augmentation(rotation=15.0, scale=0.14, shift=4.0, shear=0.1, erasing=0.3),
}
ERASED = (0.02, 0.2)  # least and largest part of the face's area


def augment(faces: GreyFaces, by: Augmentation, random: np.random.Generator) -> GreyFaces:
    """Change each face a little. Edge pixels are repeated. (faces, size, size), 0..255 -> the same."""
    if by == AUGMENTATIONS["none"]:
        return faces
    return np.stack([_augment_face(face, by, random) for face in faces])


def _augment_face(face: GreyFaces, by: Augmentation, random: np.random.Generator) -> GreyFaces:
    size = face.shape[0]
    if by.mirror and random.random() < 0.5:
        face = face[:, ::-1]
    centre = ((size - 1) / 2, (size - 1) / 2)
    angle, scale = random.uniform(-by.rotation, by.rotation), 1 + random.uniform(-by.scale, by.scale)
    matrix = cv2.getRotationMatrix2D(centre, angle, scale)
    if by.shear:
        slant = random.uniform(-by.shear, by.shear)
        matrix = matrix @ np.array([[1, slant, -slant * centre[1]], [0, 1, 0], [0, 0, 1]])
    matrix[:, 2] += random.uniform(-by.shift, by.shift, size=2) * size / 48
    moved = cv2.warpAffine(
        np.ascontiguousarray(face), matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if by.erasing and random.random() < by.erasing:
        _erase(moved, random)
    return np.asarray(moved, dtype=np.uint8)


def _erase(face: NDArray[np.generic], random: np.random.Generator) -> None:
    """Hide a rectangle behind one grey."""
    size = face.shape[0]
    area, ratio = random.uniform(*ERASED) * size * size, np.exp(random.uniform(-1, 1))
    height, width = (min(round(float(side)), size) for side in (np.sqrt(area * ratio), np.sqrt(area / ratio)))
    top, left = random.integers(0, size - height + 1), random.integers(0, size - width + 1)
    face[top : top + height, left : left + width] = random.integers(0, 256)


def mix(
    inputs: FaceInputs, targets: dict[str, NDArray[np.float32]], strength: float, random: np.random.Generator
) -> tuple[FaceInputs, dict[str, NDArray[np.float32]]]:
    """Mix each input, and its targets alike, with another of the batch (mixup, Zhang et al. 2018).

    `strength` is the parameter of the Beta distribution of the shares.
    """
    share = np.float32(random.beta(strength, strength))
    other = random.permutation(len(inputs))
    mixed = {name: share * target + (1 - share) * target[other] for name, target in targets.items()}
    return share * inputs + (1 - share) * inputs[other], mixed
