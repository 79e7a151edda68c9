"""Compares how wide a model's faces are cut from labelled whole photos."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.classifier import EmotionClassifier
from ml.detection.detector import FaceDetector
from ml.detection.mtcnn import MtcnnDetector
from ml.labels import Emotion
from ml.pipeline import EmotionPipeline
from ml.types import FaceDetection, Image, ModelCard
from training.data.dataset import Labels
from training.data.photos import find_photos
from training.figures.confidence import Confidence, CoveragePoint, measure_confidence, risk_coverage
from training.figures.metrics import Metrics, measure
from training.figures.numbers import round_for_json
from training.figures.photos import predicted_classes, score_photos


@dataclass(frozen=True, slots=True)
class CropFigures:
    """What one crop gives. The largest face of a photo counts.

    A photo in which no face was found counts as wrong in the accuracy and in the recall of its class. It is in no
    column of the confusion matrix, which counts the found faces.
    """

    margin: float
    aligned: bool
    left_out: tuple[Emotion, ...]  # classes whose photos do not count
    faces_found: int
    metrics: Metrics
    confidence: Confidence | None  # of the found faces; None if there is none
    at_threshold: CoveragePoint | None

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON: all names on one level, numbers with four digits."""
        metrics = asdict(self.metrics)
        crop = {"margin": self.margin, "aligned": self.aligned, "left_out": list(self.left_out)}
        confidence = asdict(self.confidence) if self.confidence else {}
        at_threshold = {"at_threshold": asdict(self.at_threshold)} if self.at_threshold else {}
        figures: dict[str, Any] = round_for_json(
            crop
            | {"photos": metrics.pop("images"), "faces_found": self.faces_found}
            | metrics
            | confidence
            | at_threshold
        )
        return figures


class RememberingDetector:
    """Answers at once when it is asked about the same picture again."""

    def __init__(self, detector: FaceDetector) -> None:
        self.name = detector.name
        self._detector = detector
        self._picture: Image = np.zeros((0, 0, 3), np.uint8)
        self._faces: list[FaceDetection] = []

    def detect(self, image: Image) -> list[FaceDetection]:
        """Find the faces, as the detector does that it was made of."""
        if not np.array_equal(image, self._picture):
            self._picture, self._faces = image, self._detector.detect(image)
        return self._faces


def compare_crops(
    weights: bytes, card: ModelCard, photos: Path, margins: Sequence[float], left_out: Sequence[Emotion] = ()
) -> list[CropFigures]:
    """Run the whole pipeline with each margin, aligned and not, over a folder of labelled photos, see find_photos.

    Faces are detected once per photo. Raises TrainingError if there is no photo, or one cannot be read.
    """
    labelled = find_photos(photos, left_out)
    crops = [(margin, aligned) for margin in margins for aligned in (False, True)]
    detector = RememberingDetector(MtcnnDetector())
    pipelines = [
        EmotionPipeline(
            detector,
            EmotionClassifier(
                weights, replace(card, preprocessing=replace(card.preprocessing, margin=margin, aligned=aligned))
            ),
        )
        for margin, aligned in crops
    ]
    scores = score_photos(pipelines, labelled, photos)
    labels = np.array([label for _, label in labelled], np.int64)
    return [
        _measure_crop(margin, aligned, tuple(left_out), labels, of_crop, card.uncertain_below)
        for (margin, aligned), of_crop in zip(crops, scores, strict=True)
    ]


def _measure_crop(
    margin: float,
    aligned: bool,
    left_out: tuple[Emotion, ...],
    labels: Labels,
    scores: NDArray[np.float64],
    threshold: float,
) -> CropFigures:
    found = ~np.isnan(scores[:, 0])
    of_faces = labels[found], scores[found].astype(np.float32)
    return CropFigures(
        margin,
        aligned,
        left_out,
        int(found.sum()),
        measure(labels, predicted_classes(scores)),
        measure_confidence(*of_faces) if found.any() else None,
        risk_coverage(*of_faces, np.array([threshold]))[0] if found.any() else None,
    )
