"""All figures of scores against labels: how often right, and how honest about it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.types import Scores
from training.confidence import Confidence, CoveragePoint, measure_confidence, risk_coverage
from training.data import Fer2013, Labelling, Split, SplitName
from training.duplicates import near_duplicates
from training.errors import TrainingError
from training.metrics import Labels, Metrics, measure
from training.votes import NO_MAJORITY

DIGITS = 4


@dataclass(frozen=True, slots=True)
class Evaluation:
    metrics: Metrics
    confidence: Confidence
    at_threshold: CoveragePoint  # what answering only from the model's own threshold on gives
    without_majority: int  # images that are left out, because FER+'s people saw no class by majority

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the metrics' and the confidence's names on one level, numbers with four digits."""
        figures: dict[str, Any] = rounded(asdict(self.metrics) | asdict(self.confidence))
        return figures | {
            "at_threshold": rounded(asdict(self.at_threshold)),
            "without_majority": self.without_majority,
        }


def labelled(split: Split, scores: Scores, labelling: Labelling) -> tuple[Labels, Scores]:
    """The labels, and the scores of the images that have one. Raises TrainingError if none has."""
    labels = split.labels_by(labelling)
    has_label = labels != NO_MAJORITY
    if not has_label.any():
        raise TrainingError("No image has a label to compare with.")
    return labels[has_label], scores[has_label]


def evaluate_scores(split: Split, scores: Scores, labelling: Labelling, threshold: float) -> Evaluation:
    """Compare scores, (faces, classes), with the split's labels. Raises TrainingError if it has none to compare."""
    labels, kept = labelled(split, scores, labelling)
    return Evaluation(
        measure(labels, kept.argmax(axis=1)),
        measure_confidence(labels, kept),
        risk_coverage(labels, kept, np.array([threshold]))[0],
        len(scores) - len(kept),
    )


def new_images(data: Fer2013, name: SplitName) -> NDArray[np.bool_]:
    """Tell which images of a split are no near-duplicate of a training image; none if there are no training images."""
    faces = data.split(name).faces
    if "train" not in data.splits:
        return np.zeros(len(faces), np.bool_)
    return ~near_duplicates(faces, data.splits["train"].faces)


def evaluate_new(
    split: Split, scores: Scores, labelling: Labelling, threshold: float, new: NDArray[np.bool_]
) -> Evaluation | None:
    """The same for the `new` images only; nothing if none of them has a label."""
    if not (split.labels_by(labelling)[new] != NO_MAJORITY).any():
        return None
    return evaluate_scores(split[new], scores[new], labelling, threshold)


def rounded(value: Any) -> Any:
    """The same value, its numbers with DIGITS digits, for JSON."""
    match value:
        case float():
            return round(value, DIGITS)
        case dict():
            return {key: rounded(part) for key, part in value.items()}
        case list():
            return [rounded(part) for part in value]
    return value
