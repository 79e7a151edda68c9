"""Adjusts answers for the shares of the classes in training.

FER+'s votes are a third neutral and one percent disgust, and a network that learnt them expects that of every photo.
Subtracting `tau` times the logarithm of the shares from the logits takes that expectation away in part, or for
`tau` 1 wholly (Menon et al. 2021, "Long-tail learning via logit adjustment", arXiv 2007.07314).
"""

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.types import Scores
from training.calibration import Judged, fit_temperature, log_scores, softmax
from training.confidence import measure_confidence
from training.data import Labelling
from training.metrics import NO_ANSWER, measure

TAUS = tuple(step / 10 for step in range(11))

Shares = NDArray[np.float64]  # (classes,), above 0, sum 1


@dataclass(frozen=True, slots=True)
class Trial:
    """What one tau gives on both kinds of faces, at the temperature that suits both."""

    tau: float
    temperature: float
    validation_accuracy: float  # on a natural mixture of the classes
    validation_calibration_error: float
    photos_accuracy: float
    photos_mean_recall: float  # each class counts the same
    photos_calibration_error: float

    @property
    def worth(self) -> float:
        """Weigh the natural mixture and the balanced one alike."""
        return (self.validation_accuracy + self.photos_mean_recall) / 2


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What was chosen, and from what."""

    shares: Shares
    chosen: Trial
    trials: tuple[Trial, ...]
    photos: int  # that the choice was made on


def adjusted(scores: Scores, tau: float, shares: Shares) -> Scores:
    """Return the scores, (faces, classes), that the logits give less `tau` times the logarithm of the shares."""
    return softmax(log_scores(scores) - tau * np.log(shares))


def choose_adjustment(validation: Judged, photos: Judged, shares: Shares) -> Adjustment:
    """Try each tau of TAUS, with the temperature under which the labels of both sets are likeliest together.

    Both sets are labels (faces,) and scores (faces, classes) at temperature 1. A photo without a found face has NaN for
    scores; it counts as wrong, and says nothing of the confidence.
    """
    trials = tuple(_try(tau, validation, photos, shares) for tau in tqdm(TAUS, "Adjusting", leave=False, disable=None))
    return Adjustment(shares, max(trials, key=lambda trial: trial.worth), trials, len(photos[0]))


def apply_adjustment(network: keras.Model, labelling: Labelling, tau: float, shares: Shares) -> None:
    """Subtract `tau` times the logarithm of the shares in the bias of the layer that gives the labelling's logits."""
    layer = network.get_layer(f"logits_{labelling}")
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, bias - tau * np.log(shares).astype(bias.dtype)])


def _try(tau: float, validation: Judged, photos: Judged, shares: Shares) -> Trial:
    labels, scores = photos
    found = ~np.isnan(scores[:, 0])
    seen = (labels[found], adjusted(scores[found], tau, shares))
    known = (validation[0], adjusted(validation[1], tau, shares))
    temperature = fit_temperature(known, seen)
    answers = np.full(len(labels), NO_ANSWER)
    answers[found] = seen[1].argmax(axis=1)
    of_photos = measure(labels, answers)
    return Trial(
        tau,
        temperature,
        measure(known[0], known[1].argmax(axis=1)).accuracy,
        _calibration_error(known, temperature),
        of_photos.accuracy,
        of_photos.mean_recall,
        _calibration_error(seen, temperature),
    )


def _calibration_error(judged: Judged, temperature: float) -> float:
    labels, scores = judged
    return measure_confidence(labels, softmax(log_scores(scores) / temperature)).calibration_error
