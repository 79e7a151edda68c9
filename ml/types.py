"""The values that pass between the stages of the pipeline."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ml.labels import EMOTIONS, VALENCE, Emotion

Image = NDArray[np.uint8]  # (height, width, 3), RGB, 0..255, upright
GreyFaces = NDArray[np.uint8]  # (faces, size, size), 0..255
FaceInputs = NDArray[np.float32]  # (faces, size, size, 1), normalised as the model card says
Scores = NDArray[np.float32]  # (faces, classes), each row sums to 1

Point = tuple[float, float]  # x, y in pixels of the upright original


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """A face's place in the upright original, in pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def area(self) -> int:
        return self.width * self.height

    def overlap(self, other: "BoundingBox") -> float:
        """Return the intersection over the union of the two boxes, 0..1."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(width, 0) * max(height, 0)
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Five points of a face; left and right as the viewer sees them."""

    left_eye: Point
    right_eye: Point
    nose: Point
    mouth_left: Point
    mouth_right: Point


@dataclass(frozen=True, slots=True)
class FaceDetection:
    """A face that was found in a photo."""

    box: BoundingBox
    confidence: float  # 0..1, that this is a face
    landmarks: Landmarks


@dataclass(frozen=True, slots=True)
class FaceEmotion:
    """One face of a photo, with what it appears to show."""

    detection: FaceDetection
    scores: tuple[float, ...]  # one for each of EMOTIONS, sum 1
    face: NDArray[np.uint8]  # (size, size), 0..255: the transformed face, as the network saw it

    @property
    def dominant_emotion(self) -> Emotion:
        return EMOTIONS[int(np.argmax(self.scores))]

    @property
    def confidence(self) -> float:
        """Return the score of the dominant emotion, 0..1."""
        return max(self.scores)

    @property
    def valence(self) -> float:
        """Return the mean valence, weighted by the scores, -1..1."""
        return sum(score * VALENCE[emotion] for score, emotion in zip(self.scores, EMOTIONS, strict=True))


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds spent in each stage."""

    decode: float
    detect: float
    classify: float

    @property
    def total(self) -> float:
        spent: float = sum(asdict(self).values())
        return spent


@dataclass(frozen=True, slots=True)
class PhotoAnalysis:
    """The result for one photo, which may have no faces."""

    width: int  # pixels of the upright original
    height: int
    model: str  # model version, "name@version"
    detector: str
    timings: Timings
    faces: tuple[FaceEmotion, ...]  # largest first


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a detected face becomes the classifier's input. A part of the model card."""

    size: int  # side of the input in pixels
    margin: float  # side of the square crop over the longer side of the box
    normalisation: Literal["standardise"]  # see ml.preprocessing.normalise
    aligned: bool = False  # whether the face is turned until its eyes are level


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What the pipeline needs to know about a released model. The rest of card.json is for people."""

    name: str
    version: str
    classes: tuple[Emotion, ...]
    preprocessing: Preprocessing
    sha256: str  # of model.onnx
    output: str = "scores"  # the name of the output that answers
    uncertain_below: float = 0.0  # 0..1; an answer with less confidence counts as uncertain

    @property
    def model_version(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256, hexadecimal, of all that the answers depend on: the fields above."""
        return hashlib.sha256(json.dumps(_changed_fields(self), default=_changed_fields).encode()).hexdigest()


def _changed_fields(card: Any) -> dict[str, Any]:
    """Return the fields that differ from their defaults, so that a field added later changes no former fingerprint."""
    values = {field.name: (getattr(card, field.name), field.default) for field in fields(card)}
    return {name: value for name, (value, default) in values.items() if value != default}
