"""Makes a network's confidence honest on the validation split.

A network may be surer than it is right, or less sure. Dividing its logits by one number, the temperature, changes no
answer but every confidence (Guo et al. 2017, arXiv 1706.04599).
"""

from collections.abc import Mapping

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from ml.types import Scores
from training.data.dataset import Labelling, Labels

LabelledScores = tuple[Labels, Scores]  # (faces,) and (faces, classes)

SMALLEST_SCORE = 1e-12  # before its logarithm is taken
TEMPERATURES = (0.05, 20.0)  # the lowest and the highest that are tried


def temper_scores(scores: Scores, temperature: float) -> Scores:
    """Return the scores that the same logits give when they are divided by `temperature` before the softmax."""
    return softmax(to_logits(scores) / temperature)


def to_logits(scores: Scores) -> NDArray[np.float64]:
    """Return logits that give these scores, which are their logarithms: (faces, classes)."""
    logits: NDArray[np.float64] = np.log(np.maximum(scores.astype(np.float64), SMALLEST_SCORE))
    return logits


def softmax(logits: NDArray[np.float64]) -> Scores:
    """Turn logits into scores, (faces, classes), whose rows sum to 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores: Scores = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return scores


def _negative_log_likelihood(labels: Labels, scores: Scores) -> float:
    """Return the mean over the faces, in nats, which the temperature is to make small."""
    of_label = scores[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_label, SMALLEST_SCORE)).mean())


def fit_temperature(*judged: LabelledScores) -> float:
    """Return the temperature under which the labels are likeliest; above 1 the network was too sure.

    Each set of faces counts the same, however many faces it has.
    """

    def unlikelihood(logarithm: float) -> float:
        temperature = float(np.exp(logarithm))
        return sum(_negative_log_likelihood(labels, temper_scores(scores, temperature)) for labels, scores in judged)

    found = minimize_scalar(
        unlikelihood,
        bounds=tuple(np.log(TEMPERATURES)),
        method="bounded",
    )
    return float(np.exp(found.x))


def apply_temperatures(network: keras.Model, temperatures: Mapping[Labelling, float]) -> None:
    """Divide each labelling's logits by its temperature, by changing the weights of the layer that gives them."""
    for labelling, temperature in temperatures.items():
        layer = network.get_layer(f"logits_{labelling}")
        layer.set_weights([weights / temperature for weights in layer.get_weights()])
