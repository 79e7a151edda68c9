"""Photo bytes to faces with emotions: the one entry point that the CRM's workers use."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.classifier import EmotionClassifier
from ml.detection import FaceDetector
from ml.detector_file import DetectorFile
from ml.photo import DecodedPhoto, PhotoLimits
from ml.preprocessing import as_seen, crop_face, normalise
from ml.registry import DEFAULT_MODEL, MODELS_DIR, read_model
from ml.sandbox import decode, get_ready
from ml.types import BoundingBox, FaceDetection, FaceEmotion, Landmarks, ModelCard, PhotoAnalysis, Point, Timings
from ml.yunet import load_detector

# Pixels to which a photo is decoded at least. Detection needs 640; the rest is for sharper crops.
DECODED_LONG_SIDE = 960

LANDMARKS = fields(Landmarks)


class EmotionPipeline:
    """Build one per process or thread, and keep it."""

    def __init__(
        self, detector: FaceDetector, classifier: EmotionClassifier, limits: PhotoLimits | None = None
    ) -> None:
        self._detector = detector
        self._classifier = classifier
        self._preprocessing = classifier.card.preprocessing
        self._limits = limits or PhotoLimits()

    @classmethod
    def load(
        cls,
        model_name: str = DEFAULT_MODEL,
        threads: int = 1,
        limits: PhotoLimits | None = None,
        models_dir: Path = MODELS_DIR,
        detector_file: DetectorFile | None = None,
    ) -> "EmotionPipeline":
        """Load a released model and the detector, MTCNN or that of the file.

        Raises ModelUnavailable when a file is missing or altered.
        """
        card, weights = read_model(model_name, models_dir)
        cv2.setNumThreads(threads)  # of the whole process: several workers share the cores
        return cls(load_detector(detector_file, threads), EmotionClassifier(weights, card, threads), limits)

    @property
    def card(self) -> ModelCard:
        return self._classifier.card

    def warm_up(self) -> None:
        """Run every net once, so that the first photo does not wait for their memory, nor for its decoder."""
        get_ready()
        self._detector.detect(np.zeros((480, 640, 3), np.uint8))
        size = self._preprocessing.size
        self._classifier.classify(np.zeros((1, size, size, 1), np.float32))

    def analyze(self, data: bytes) -> PhotoAnalysis:
        """Find the faces of a photo and what emotions they appear to show.

        Raises InvalidImage with a sentence for the photo's owner.
        """
        clock = _Clock()
        with clock.measure("decode"):
            photo = decode(data, self._limits, DECODED_LONG_SIDE)
        with clock.measure("detect"):
            found = [_in_original(face, photo) for face in self._detector.detect(photo.image)]
        with clock.measure("decode"):
            photo = self._enlarged(data, photo, found)
        with clock.measure("classify"):
            faces = self._classify(photo, found)
        timings = Timings(**clock.milliseconds)
        return PhotoAnalysis(photo.width, photo.height, self.card.model_version, self._detector.name, timings, faces)

    def _enlarged(self, data: bytes, photo: DecodedPhoto, found: list[FaceDetection]) -> DecodedPhoto:
        """Decode again, just large enough, when the smallest face has fewer pixels than the classifier wants."""
        sides = [max(face.box.width, face.box.height) * self._preprocessing.margin for face in found]
        wanted_scale = min(sides, default=math.inf) / self._preprocessing.size
        if photo.scale <= max(wanted_scale, 1.0):
            return photo
        return decode(data, self._limits, math.ceil(max(photo.width, photo.height) / max(wanted_scale, 1.0)))

    def _crop(self, photo: DecodedPhoto, face: FaceDetection) -> NDArray[np.uint8]:
        return crop_face(photo.image, _in_decoded(face.box, photo), self._preprocessing, face.landmarks)

    def _classify(self, photo: DecodedPhoto, found: list[FaceDetection]) -> tuple[FaceEmotion, ...]:
        if not found:
            return ()
        crops = [self._crop(photo, face) for face in found]
        inputs = normalise(np.stack(crops), self._preprocessing)
        scores = self._classifier.classify(inputs).tolist()
        return tuple(
            FaceEmotion(face, tuple(face_scores), picture)
            for face, face_scores, picture in zip(found, scores, as_seen(inputs), strict=True)
        )


@dataclass(frozen=True, slots=True)
class PhotoDetection:
    """What a detector alone finds in a photo."""

    width: int  # pixels of the upright original
    height: int
    detector: str
    decode_ms: float
    detect_ms: float
    faces: tuple[FaceDetection, ...]  # largest first


def detect_faces(detector: FaceDetector, data: bytes, limits: PhotoLimits | None = None) -> PhotoDetection:
    """Find the faces of a photo, in pixels of the upright original, without asking what they show.

    Raises InvalidImage with a sentence for the photo's owner.
    """
    clock = _Clock()
    with clock.measure("decode"):
        photo = decode(data, limits, DECODED_LONG_SIDE)
    with clock.measure("detect"):
        found = tuple(_in_original(face, photo) for face in detector.detect(photo.image))
    spent = clock.milliseconds
    return PhotoDetection(photo.width, photo.height, detector.name, spent["decode"], spent["detect"], found)


class _Clock:
    """Adds up the milliseconds of each stage."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        spent = (time.perf_counter() - started) * 1000
        self.milliseconds[stage] = self.milliseconds.get(stage, 0.0) + spent


def _in_original(face: FaceDetection, photo: DecodedPhoto) -> FaceDetection:
    """From pixels of the decoded image to those of the upright original."""
    box = _scaled(face.box, photo.scale, photo.width, photo.height)
    points = {field.name: _scaled_point(getattr(face.landmarks, field.name), photo.scale) for field in LANDMARKS}
    return FaceDetection(box, face.confidence, Landmarks(**points))


def _in_decoded(box: BoundingBox, photo: DecodedPhoto) -> BoundingBox:
    height, width = photo.image.shape[:2]
    return _scaled(box, 1 / photo.scale, width, height)


def _scaled(box: BoundingBox, factor: float, width: int, height: int) -> BoundingBox:
    """Scale a box and keep it within a picture of that size, at least a pixel wide and high."""
    left, top = min(round(box.x * factor), width - 1), min(round(box.y * factor), height - 1)
    right = min(max(round((box.x + box.width) * factor), left + 1), width)
    bottom = min(max(round((box.y + box.height) * factor), top + 1), height)
    return BoundingBox(left, top, right - left, bottom - top)


def _scaled_point(point: Point, factor: float) -> Point:
    return point[0] * factor, point[1] * factor
