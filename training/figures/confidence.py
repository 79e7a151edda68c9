"""Measures how far a model's confidence can be trusted, in plain numpy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.types import Scores
from training.data.dataset import Labels

BINS = 15  # of equal width, as in Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599
THRESHOLDS = np.linspace(0, 1, 21)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The faces whose confidence is above `above`, up to `above` + 1 / BINS; the first bin takes 0 too."""

    above: float
    faces: int
    confidence: float  # the mean over the faces; 0 if there are none
    accuracy: float


@dataclass(frozen=True, slots=True)
class CoveragePoint:
    """What a model gives that answers only from this confidence on."""

    threshold: float
    answered: float  # share of all faces, 0..1
    right: float | None  # share of the answered faces, 0..1; None if none is answered


@dataclass(frozen=True, slots=True)
class Confidence:
    """How honest a model's confidence is."""

    calibration_error: float  # expected calibration error, 0..1
    reliability: list[ReliabilityBin]
    risk_coverage: list[CoveragePoint]  # by threshold, rising from 0 to 1


def measure_confidence(labels: Labels, scores: Scores) -> Confidence:
    """Compare the confidence of scores, (faces, classes), with how often they are right.

    Raises ValueError if labels and scores differ in length or there are none.
    """
    bins = _reliability(labels, scores)
    error = sum(each.faces * abs(each.accuracy - each.confidence) for each in bins) / len(labels)
    return Confidence(error, bins, risk_coverage(labels, scores, THRESHOLDS))


def risk_coverage(labels: Labels, scores: Scores, thresholds: NDArray[np.float64]) -> list[CoveragePoint]:
    """Measure the share of the faces that is answered at each threshold, and the share of these that is right."""
    confidence, right = _answers(labels, scores)
    points = []
    for threshold in thresholds.tolist():
        answered = confidence >= threshold
        rightly = float(right[answered].mean()) if answered.any() else None
        points.append(CoveragePoint(round(threshold, 4), float(answered.mean()), rightly))
    return points


def _reliability(labels: Labels, scores: Scores) -> list[ReliabilityBin]:
    confidence, right = _answers(labels, scores)
    number = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    faces = np.bincount(number, minlength=BINS)
    mean_of = [
        np.divide(np.bincount(number, values, BINS), faces, out=np.zeros(BINS), where=faces > 0)
        for values in (confidence, right)
    ]
    return [
        ReliabilityBin(index / BINS, int(faces[index]), float(mean_of[0][index]), float(mean_of[1][index]))
        for index in range(BINS)
    ]


def _answers(labels: Labels, scores: Scores) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the confidence of each answer, and whether it is right."""
    if len(labels) != len(scores) or not len(labels):
        raise ValueError(f"{len(labels)} labels cannot be compared with {len(scores)} answers.")
    return scores.max(axis=1).astype(np.float64), scores.argmax(axis=1) == labels
