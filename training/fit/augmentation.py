"""Changes faces to what they might look like in other photos."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.types import FaceInputs, GreyFaces
from training.config import AugmentationName
from training.fit.degradation import Degradation, degrade


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a face may be changed, in both directions unless stated otherwise."""

    rotation: float = 0.0  # degrees
    scale: float = 0.0  # share of the size
    shift: float = 0.0  # pixels of a 48x48 face
    shear: float = 0.0  # share of the size
    margins: tuple[float, float] = (1.0, 1.0)  # smallest and largest side of the crop over the face's own
    erasing: float = 0.0  # probability that a rectangle of the face is hidden (Zhong et al. 2020)
    mirror: bool = True
    degradation: Degradation | None = None  # applied before a rectangle is hidden


AUGMENTATIONS: Final[dict[AugmentationName, Augmentation]] = {
    "none": Augmentation(mirror=False),
    "light": Augmentation(rotation=12.0, scale=0.1, shift=3.0),
    "strong": Augmentation(rotation=15.0, scale=0.14, shift=4.0, shear=0.1, erasing=0.3),
    "photo": Augmentation(
        rotation=15.0, shift=3.0, shear=0.1, margins=(0.8, 1.3), erasing=0.25, degradation=Degradation()
    ),
}
ERASED = (0.02, 0.2)  # smallest and largest share of the face's area


def augment(faces: GreyFaces, by: Augmentation, random: np.random.Generator) -> GreyFaces:
    """Change each face a little, repeating edge pixels: (faces, size, size), 0..255 -> the same shape and range."""
    if by == AUGMENTATIONS["none"]:
        return faces
    changed = np.stack([_move_face(face, by, random) for face in faces])
    if by.degradation:
        changed = degrade(changed, by.degradation, random)
    for face in changed:
        if by.erasing and random.random() < by.erasing:
            _erase(face, random)
    return changed


def _move_face(face: GreyFaces, by: Augmentation, random: np.random.Generator) -> GreyFaces:
    size = face.shape[0]
    if by.mirror and random.random() < 0.5:
        face = face[:, ::-1]
    centre = ((size - 1) / 2, (size - 1) / 2)
    angle, scale = random.uniform(-by.rotation, by.rotation), 1 + random.uniform(-by.scale, by.scale)
    scale /= np.exp(random.uniform(*np.log(by.margins)))
    matrix = cv2.getRotationMatrix2D(centre, angle, scale)
    if by.shear:
        slant = random.uniform(-by.shear, by.shear)
        matrix = matrix @ np.array([[1, slant, -slant * centre[1]], [0, 1, 0], [0, 0, 1]])
    matrix[:, 2] += random.uniform(-by.shift, by.shift, size=2) * size / 48
    moved = cv2.warpAffine(
        np.ascontiguousarray(face), matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, dtype=np.uint8)


def _erase(face: NDArray[np.generic], random: np.random.Generator) -> None:
    """Hide a random rectangle of the face behind a random grey."""
    size = face.shape[0]
    area, ratio = random.uniform(*ERASED) * size * size, np.exp(random.uniform(-1, 1))
    height, width = (min(round(float(side)), size) for side in (np.sqrt(area * ratio), np.sqrt(area / ratio)))
    top, left = random.integers(0, size - height + 1), random.integers(0, size - width + 1)
    face[top : top + height, left : left + width] = random.integers(0, 256)


def mix(
    inputs: FaceInputs, targets: dict[str, NDArray[np.float32]], strength: float, random: np.random.Generator
) -> tuple[FaceInputs, dict[str, NDArray[np.float32]]]:
    """Mix each input and its targets with those of another in the batch (mixup, Zhang et al. 2018).

    Each input has its own share, drawn from a Beta distribution whose parameters are both `strength`.
    """
    shares = random.beta(strength, strength, len(inputs)).astype(np.float32)[:, np.newaxis]
    other = random.permutation(len(inputs))
    mixed = {name: shares * target + (1 - shares) * target[other] for name, target in targets.items()}
    pixel_shares = shares[:, :, np.newaxis, np.newaxis]
    return pixel_shares * inputs + (1 - pixel_shares) * inputs[other], mixed
