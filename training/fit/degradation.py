"""Makes faces look as in poor photos: other light, few pixels, blurred, compressed."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.types import GreyFaces


@dataclass(frozen=True, slots=True)
class Degradation:
    """How far a photo may spoil a face, from the smallest to the largest value, and how often."""

    gamma: tuple[float, float] = (0.5, 2.0)
    contrast: float = 0.6  # strength of an S-shaped curve; negative values flatten it; at 1 its ends become flat
    exposure: tuple[float, float] = (0.75, 1.3)  # factor; values above white become white
    side: tuple[int, int] = (20, 48)  # pixels of the face in the photo, for 48 of the input
    blur: float = 0.8  # standard deviation in pixels of the input
    quality: tuple[int, int] = (30, 95)  # of the JPEG
    toned: float = 0.7  # probability of another tone curve
    shrunk: float = 0.35  # probability, as are the next two
    blurred: float = 0.3
    compressed: float = 0.5


def degrade(faces: GreyFaces, by: Degradation, random: np.random.Generator) -> GreyFaces:
    """Spoil each face in some of these ways: (faces, size, size), 0..255 -> the same shape and range."""
    curves = draw_tone_curves(len(faces), by, random)
    chances = random.random((len(faces), 4)) < (by.toned, by.shrunk, by.blurred, by.compressed)
    return np.stack(
        [_degrade_face(*each, by, random) for each in zip(faces, curves, chances, strict=True)], dtype=np.uint8
    )


def draw_tone_curves(number: int, by: Degradation, random: np.random.Generator) -> NDArray[np.uint8]:
    """Draw random tone curves, (number, 256): what each grey level becomes. No curve ever falls.

    Exposure, gamma and contrast stand for other light, a camera's curve, or the grey of a picture with a colour cast.
    """
    level = np.linspace(0, 1, 256)
    least, most = np.log(by.gamma)
    gamma = np.exp(random.uniform(least, most, (number, 1)))
    strength = random.uniform(-by.contrast, by.contrast, (number, 1))
    level = np.clip(level * random.uniform(*by.exposure, (number, 1)), 0, 1) ** gamma
    curved = level + strength * (level * level * (3 - 2 * level) - level)
    return np.round(curved * 255).astype(np.uint8)


def _degrade_face(
    face: GreyFaces,
    curve: NDArray[np.uint8],
    chances: NDArray[np.bool_],
    by: Degradation,
    random: np.random.Generator,
) -> GreyFaces:
    """Spoil a face in the order of a photo: light, lens, sensor, file, and last the enlargement to the input's size."""
    toned, shrunk, blurred, compressed = chances
    size = face.shape[0]
    if toned:
        face = curve[face]
    if blurred:
        face = cv2.GaussianBlur(face, (0, 0), random.uniform(0.2, by.blur)).astype(np.uint8)
    if shrunk:
        side = round(random.integers(by.side[0], by.side[1] + 1) * size / 48)
        face = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8)
    if compressed:
        quality = int(random.integers(by.quality[0], by.quality[1] + 1))
        _, file = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])
        face = np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.uint8)
    if face.shape[0] != size:
        face = cv2.resize(face, (size, size), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    return face
