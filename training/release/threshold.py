"""Chooses the confidence below which an answer counts as uncertain."""

import numpy as np

from ml.types import Scores
from training.data.dataset import Labels
from training.figures.confidence import risk_coverage

MORE_LIKELY_RIGHT = 0.5
RIGHT_AT_LEAST = 0.75  # of the answered faces
ANSWERED_AT_LEAST = 0.6  # of all faces
STEPS = np.arange(0, 101) / 100  # the thresholds that are tried


def choose_threshold(labels: Labels, scores: Scores) -> float:
    """Return the confidence below which an answer counts as uncertain, in hundredths.

    It is the lowest, from 0.5 on, at which three of four answered faces are answered rightly: below 0.5 a
    calibrated answer is more often wrong than right. But at least 60% of the faces are answered, whatever that costs:
    a model that mostly shrugs is of no use, and its card says what it is worth.
    """
    points = risk_coverage(labels, scores, STEPS)
    useful = [point for point in points if point.answered >= ANSWERED_AT_LEAST]
    for point in useful:
        if point.threshold >= MORE_LIKELY_RIGHT and (point.right or 0.0) >= RIGHT_AT_LEAST:
            return point.threshold
    return useful[-1].threshold
