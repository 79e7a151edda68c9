"""Makes a network's confidence honest, on the validation split.

A network is surer than it is right, or less sure. Dividing its logits by one number, the temperature, changes no
answer but every confidence (Guo et al. 2017, arXiv 1706.04599).
"""

from collections.abc import Mapping

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from ml.types import Scores
from training.confidence import risk_coverage
from training.data import Labelling
from training.metrics import Labels

Judged = tuple[Labels, Scores]  # (faces,) and (faces, classes)

SMALLEST_SCORE = 1e-12  # before its logarithm is taken
TEMPERATURES = (0.05, 20.0)  # between which one is looked for

MORE_LIKELY_RIGHT = 0.5
RIGHT_AT_LEAST = 0.75  # of the answered faces
ANSWERED_AT_LEAST = 0.6  # of all faces
STEPS = np.arange(0, 101) / 100  # the thresholds that are tried


def tempered(scores: Scores, temperature: float) -> Scores:
    """The scores that the same logits give when they are divided by `temperature` before the softmax."""
    return softmax(log_scores(scores) / temperature)


def log_scores(scores: Scores) -> NDArray[np.float64]:
    """Return logits that give these scores: their logarithms, (faces, classes)."""
    logits: NDArray[np.float64] = np.log(np.maximum(scores.astype(np.float64), SMALLEST_SCORE))
    return logits


def softmax(logits: NDArray[np.float64]) -> Scores:
    """Turn logits into scores, (faces, classes), whose rows sum to 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores: Scores = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return scores


def negative_log_likelihood(labels: Labels, scores: Scores) -> float:
    """The mean over the faces, in nats: what the temperature is to make small."""
    of_label = scores[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_label, SMALLEST_SCORE)).mean())


def fit_temperature(*judged: Judged) -> float:
    """Return the temperature under which the labels are likeliest; above 1 the network was too sure.

    Several sets of faces count the same, however many faces each has.
    """

    def unlikelihood(logarithm: float) -> float:
        temperature = float(np.exp(logarithm))
        return sum(negative_log_likelihood(labels, tempered(scores, temperature)) for labels, scores in judged)

    found = minimize_scalar(
        unlikelihood,
        bounds=tuple(np.log(TEMPERATURES)),
        method="bounded",
    )
    return float(np.exp(found.x))


def choose_threshold(labels: Labels, scores: Scores) -> float:
    """The confidence below which an answer is to count as uncertain, in hundredths.

    It is the lowest, from 0.5 on, at which three of four answered faces are answered rightly: below 0.5 a
    calibrated answer is more often wrong than right. But at least 60% of the faces are answered, whatever
    that costs: a model that mostly shrugs is of no use, and its card says what it is worth.
    """
    points = risk_coverage(labels, scores, STEPS)
    useful = [point for point in points if point.answered >= ANSWERED_AT_LEAST]
    for point in useful:
        if point.threshold >= MORE_LIKELY_RIGHT and (point.right or 0.0) >= RIGHT_AT_LEAST:
            return point.threshold
    return useful[-1].threshold


def apply_temperatures(network: keras.Model, temperatures: Mapping[Labelling, float]) -> None:
    """Divide the logits of each labelling by its temperature, in the weights of the layer that gives them."""
    for labelling, temperature in temperatures.items():
        layer = network.get_layer(f"logits_{labelling}")
        layer.set_weights([weights / temperature for weights in layer.get_weights()])
