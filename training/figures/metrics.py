"""Measures how well predicted classes match the labels, in plain numpy."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.labels import EMOTIONS, Emotion
from training.data.dataset import Labels

NO_ANSWER = -1  # stands for a missing prediction


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """The figures of one class; a ratio with denominator 0 counts as 0."""

    images: int  # with this label
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """The figures of all classes."""

    images: int
    accuracy: float
    macro_f1: float  # the mean of the classes' F1; each class counts the same
    mean_recall: float  # over the classes that occur: the accuracy on a balanced mixture of them
    classes: dict[Emotion, ClassMetrics]
    confusion: list[list[int]]  # [label][prediction], in the order of the classes


def measure(labels: Labels, predictions: Labels, classes: Sequence[Emotion] = EMOTIONS) -> Metrics:
    """Compare predictions with labels; both are indices into `classes`.

    An image with NO_ANSWER counts as wrong, and is in no column of the confusion matrix.
    Raises ValueError if predictions and labels differ in length, or there are none.
    """
    if labels.shape != predictions.shape or not labels.size:
        raise ValueError(f"{labels.size} labels cannot be compared with {predictions.size} predictions.")
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    answered = predictions != NO_ANSWER
    np.add.at(confusion, (labels[answered], predictions[answered]), 1)
    right = confusion.diagonal()
    labelled, predicted = np.bincount(labels, minlength=len(classes)), confusion.sum(axis=0)
    precision, recall = _ratio(right, predicted), _ratio(right, labelled)
    f1 = _ratio(2 * right, labelled + predicted)
    return Metrics(
        images=int(labels.size),
        accuracy=float(right.sum() / labels.size),
        macro_f1=float(f1.mean()),
        mean_recall=float(recall[labelled > 0].mean()),
        classes={
            emotion: ClassMetrics(int(labelled[i]), float(precision[i]), float(recall[i]), float(f1[i]))
            for i, emotion in enumerate(classes)
        },
        confusion=confusion.tolist(),
    )


def format_table(metrics: Metrics) -> str:
    """Format the metrics for people: a summary, a line for each class, and the confusion matrix."""
    lines = [
        f"{metrics.images} images, accuracy {metrics.accuracy:.2%}, macro-F1 {metrics.macro_f1:.3f}",
        "",
        f"{'class':<10}{'images':>8}{'precision':>11}{'recall':>8}{'F1':>8}",
    ]
    for emotion, of_class in metrics.classes.items():
        lines.append(
            f"{emotion:<10}{of_class.images:>8}{of_class.precision:>11.3f}{of_class.recall:>8.3f}{of_class.f1:>8.3f}"
        )
    lines += ["", "Confusion matrix: a row for each label, a column for each prediction"]
    lines.append(f"{'':<10}" + "".join(f"{emotion:>10}" for emotion in metrics.classes))
    for emotion, row in zip(metrics.classes, metrics.confusion, strict=True):
        lines.append(f"{emotion:<10}" + "".join(f"{count:>10}" for count in row))
    return "\n".join(lines)


def _ratio(part: Labels, whole: Labels) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros(len(whole)), where=whole > 0)
