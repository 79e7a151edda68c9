"""Measures scores against labels: how often the answers are right, and how honest their confidence is."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.labels import EMOTIONS, Emotion
from ml.types import Scores
from training.data.dataset import Labelling, Labels, Split
from training.data.votes import NO_MAJORITY
from training.errors import TrainingError
from training.figures.confidence import Confidence, CoveragePoint, measure_confidence, risk_coverage
from training.figures.metrics import Metrics, measure
from training.figures.numbers import round_for_json


@dataclass(frozen=True, slots=True)
class Evaluation:
    metrics: Metrics
    confidence: Confidence
    at_threshold: CoveragePoint  # what answering only from the model's own threshold on gives
    without_majority: int  # images left out because no class has a majority of FER+'s votes
    of_other_classes: int = 0  # images left out because the model does not know their class

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON: metrics and confidence on one level, numbers with four digits."""
        figures: dict[str, Any] = round_for_json(asdict(self.metrics) | asdict(self.confidence))
        return figures | {
            "at_threshold": round_for_json(asdict(self.at_threshold)),
            "without_majority": self.without_majority,
            "of_other_classes": self.of_other_classes,
        }


def select_labelled(
    split: Split, scores: Scores, labelling: Labelling, classes: Sequence[Emotion] = EMOTIONS
) -> tuple[Labels, Scores]:
    """Select the images that are labelled with one of `classes`.

    Returns their labels as indices into `classes`, and their scores, (faces, classes). Raises TrainingError if there
    is no such image.
    """
    labels = reindex_labels(split.labels_by(labelling), classes)
    has_label = labels != NO_MAJORITY
    if not has_label.any():
        raise TrainingError("No image has a label to compare with.")
    return labels[has_label], scores[has_label]


def reindex_labels(labels: Labels, classes: Sequence[Emotion]) -> Labels:
    """Turn indices into EMOTIONS into indices into `classes`; NO_MAJORITY for classes that are not among them."""
    index_of = np.full(len(EMOTIONS), NO_MAJORITY)
    index_of[[EMOTIONS.index(each) for each in classes]] = np.arange(len(classes))
    return np.where(labels == NO_MAJORITY, NO_MAJORITY, index_of[labels])


def evaluate_scores(
    split: Split, scores: Scores, labelling: Labelling, threshold: float, classes: Sequence[Emotion] = EMOTIONS
) -> Evaluation:
    """Compare scores, (faces, classes), with the split's labels. Raises TrainingError if it has none to compare."""
    labels, kept = select_labelled(split, scores, labelling, classes)
    without_majority = int((split.labels_by(labelling) == NO_MAJORITY).sum())
    return Evaluation(
        measure(labels, kept.argmax(axis=1), classes),
        measure_confidence(labels, kept),
        risk_coverage(labels, kept, np.array([threshold]))[0],
        without_majority,
        len(scores) - len(kept) - without_majority,
    )


def evaluate_new(
    split: Split,
    scores: Scores,
    labelling: Labelling,
    threshold: float,
    classes: Sequence[Emotion],
    new: NDArray[np.bool_],
) -> Evaluation | None:
    """Do the same with the `new` images only. Returns None if none of them has a label."""
    if not (reindex_labels(split.labels_by(labelling)[new], classes) != NO_MAJORITY).any():
        return None
    return evaluate_scores(split[new], scores[new], labelling, threshold, classes)
