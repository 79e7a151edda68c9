"""Turns a photo's bytes into faces with emotions. This is the entry point for the CRM's workers."""

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
from ml.detection.detector import FaceDetector
from ml.detection.loading import load_detector
from ml.detector_file import DetectorFile
from ml.photo import DecodedPhoto, PhotoLimits
from ml.preprocessing import crop_face, normalise, to_pictures
from ml.registry import DEFAULT_MODEL, MODELS_DIR, read_model
from ml.sandbox import decode, start_sandbox
from ml.types import BoundingBox, FaceDetection, FaceEmotion, Landmarks, ModelCard, PhotoAnalysis, Point, Timings

# Pixels that the long side of a decoded photo keeps at least. Detection needs 640; the rest makes crops sharper.
DECODED_LONG_SIDE = 960

LANDMARKS = fields(Landmarks)


class EmotionPipeline:
    """Finds the faces of photos and what emotion each appears to show. Build one per process or thread, and keep it."""

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
        """Load a released model, and the detector of the file or MTCNN.

        Raises ModelUnavailable when a file is missing or altered.
        """
        card, weights = read_model(model_name, models_dir)
        cv2.setNumThreads(threads)  # for the whole process, because several workers share the cores
        return cls(load_detector(detector_file, threads), EmotionClassifier(weights, card, threads), limits)

    @property
    def card(self) -> ModelCard:
        return self._classifier.card

    def warm_up(self) -> None:
        """Run every net once and start the sandbox, so that the first photo does not wait for them."""
        start_sandbox()
        self._detector.detect(np.zeros((480, 640, 3), np.uint8))
        size = self._preprocessing.size
        self._classifier.classify(np.zeros((1, size, size, 1), np.float32))

    def analyze(self, data: bytes) -> PhotoAnalysis:
        """Find the faces of a photo, given as the bytes of its file, and what emotion each appears to show.

        A photo without faces gives a result without faces. Raises InvalidImage with a sentence for the photo's owner,
        and DecoderUnavailable if no process can be had to decode it.
        """
        clock = _Clock()
        with clock.measure("decode"):
            photo = decode(data, self._limits, DECODED_LONG_SIDE)
        with clock.measure("detect"):
            found = [_to_original(face, photo) for face in self._detector.detect(photo.image)]
        with clock.measure("decode"):
            photo = self._decode_larger(data, photo, found)
        with clock.measure("classify"):
            faces = self._classify(photo, found)
        timings = Timings(**clock.milliseconds)
        return PhotoAnalysis(photo.width, photo.height, self.card.model_version, self._detector.name, timings, faces)

    def _decode_larger(self, data: bytes, photo: DecodedPhoto, found: list[FaceDetection]) -> DecodedPhoto:
        """Decode again, just large enough, when the smallest face has fewer pixels than the classifier needs."""
        sides = [max(face.box.width, face.box.height) * self._preprocessing.margin for face in found]
        wanted_scale = min(sides, default=math.inf) / self._preprocessing.size
        if photo.scale <= max(wanted_scale, 1.0):
            return photo
        return decode(data, self._limits, math.ceil(max(photo.width, photo.height) / max(wanted_scale, 1.0)))

    def _crop(self, photo: DecodedPhoto, face: FaceDetection) -> NDArray[np.uint8]:
        return crop_face(photo.image, _to_decoded(face.box, photo), self._preprocessing, face.landmarks)

    def _classify(self, photo: DecodedPhoto, found: list[FaceDetection]) -> tuple[FaceEmotion, ...]:
        if not found:
            return ()
        crops = [self._crop(photo, face) for face in found]
        inputs = normalise(np.stack(crops), self._preprocessing)
        scores = self._classifier.classify(inputs).tolist()
        return tuple(
            FaceEmotion(face, tuple(face_scores), picture)
            for face, face_scores, picture in zip(found, scores, to_pictures(inputs), strict=True)
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
    """Find the faces of a photo, in pixels of the upright original, but not what they show.

    Raises InvalidImage with a sentence for the photo's owner.
    """
    clock = _Clock()
    with clock.measure("decode"):
        photo = decode(data, limits, DECODED_LONG_SIDE)
    with clock.measure("detect"):
        found = tuple(_to_original(face, photo) for face in detector.detect(photo.image))
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


def _to_original(face: FaceDetection, photo: DecodedPhoto) -> FaceDetection:
    """Convert a face from pixels of the decoded image to pixels of the upright original."""
    box = _scale(face.box, photo.scale, photo.width, photo.height)
    points = {field.name: _scale_point(getattr(face.landmarks, field.name), photo.scale) for field in LANDMARKS}
    return FaceDetection(box, face.confidence, Landmarks(**points))


def _to_decoded(box: BoundingBox, photo: DecodedPhoto) -> BoundingBox:
    height, width = photo.image.shape[:2]
    return _scale(box, 1 / photo.scale, width, height)


def _scale(box: BoundingBox, factor: float, width: int, height: int) -> BoundingBox:
    """Scale a box and keep it within a picture of this size, at least one pixel wide and high."""
    left, top = min(round(box.x * factor), width - 1), min(round(box.y * factor), height - 1)
    right = min(max(round((box.x + box.width) * factor), left + 1), width)
    bottom = min(max(round((box.y + box.height) * factor), top + 1), height)
    return BoundingBox(left, top, right - left, bottom - top)


def _scale_point(point: Point, factor: float) -> Point:
    return point[0] * factor, point[1] * factor
