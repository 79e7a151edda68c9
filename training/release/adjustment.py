"""Adjusts answers for the shares of the classes in training.

A third of FER+'s votes is neutral and one per cent disgust, and a network that learnt them expects that of every photo.
Subtracting `tau` times the logarithm of the shares from the logits removes that expectation in part, or with a `tau` of
1 completely (Menon et al. 2021, "Long-tail learning via logit adjustment", arXiv 2007.07314).
"""

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.types import Scores
from training.data.dataset import Labelling
from training.figures.confidence import measure_confidence
from training.figures.metrics import NO_ANSWER, measure
from training.release.temperature import LabelledScores, fit_temperature, softmax, to_logits

TAUS = tuple(step / 10 for step in range(11))

Shares = NDArray[np.float64]  # (classes,), above 0, sum 1


@dataclass(frozen=True, slots=True)
class Trial:
    """The figures of one tau on both kinds of faces, at the temperature that suits both."""

    tau: float
    temperature: float
    validation_accuracy: float  # on a natural mixture of the classes
    validation_calibration_error: float
    photos_accuracy: float
    photos_mean_recall: float  # each class counts the same
    photos_calibration_error: float

    @property
    def worth(self) -> float:
        """Return the mean of the natural and the balanced mixture: both count the same."""
        return (self.validation_accuracy + self.photos_mean_recall) / 2


@dataclass(frozen=True, slots=True)
class Adjustment:
    """The choice, and what it was made from."""

    shares: Shares
    chosen: Trial
    trials: tuple[Trial, ...]
    photos: int  # the number of photos that the choice was made on


def adjust_scores(scores: Scores, tau: float, shares: Shares) -> Scores:
    """Subtract `tau` times the logarithm of the shares from the logits, and return the scores, (faces, classes)."""
    return softmax(to_logits(scores) - tau * np.log(shares))


def choose_adjustment(validation: LabelledScores, photos: LabelledScores, shares: Shares) -> Adjustment:
    """Try each tau of TAUS at the temperature under which the labels of both sets are likeliest, and choose the best.

    Both sets are labels, (faces,), and scores, (faces, classes), at temperature 1. A photo in which no face was found
    has NaN for scores. It counts as wrong, and has no part in the figures of the confidence.
    """
    trials = tuple(_try(tau, validation, photos, shares) for tau in tqdm(TAUS, "Adjusting", leave=False, disable=None))
    return Adjustment(shares, max(trials, key=lambda trial: trial.worth), trials, len(photos[0]))


def apply_adjustment(network: keras.Model, labelling: Labelling, tau: float, shares: Shares) -> None:
    """Subtract `tau` times the logarithm of the shares from the bias of the layer that gives the labelling's logits."""
    layer = network.get_layer(f"logits_{labelling}")
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, bias - tau * np.log(shares).astype(bias.dtype)])


def _try(tau: float, validation: LabelledScores, photos: LabelledScores, shares: Shares) -> Trial:
    labels, scores = photos
    found = ~np.isnan(scores[:, 0])
    seen = (labels[found], adjust_scores(scores[found], tau, shares))
    known = (validation[0], adjust_scores(validation[1], tau, shares))
    temperature = fit_temperature(known, seen)
    answers = np.full(len(labels), NO_ANSWER)
    answers[found] = seen[1].argmax(axis=1)
    photo_metrics = measure(labels, answers)
    return Trial(
        tau,
        temperature,
        measure(known[0], known[1].argmax(axis=1)).accuracy,
        _calibration_error(known, temperature),
        photo_metrics.accuracy,
        photo_metrics.mean_recall,
        _calibration_error(seen, temperature),
    )


def _calibration_error(labelled: LabelledScores, temperature: float) -> float:
    labels, scores = labelled
    return measure_confidence(labels, softmax(to_logits(scores) / temperature)).calibration_error
