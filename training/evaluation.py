"""All figures of scores against labels: how often right, and how honest about it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.labels import EMOTIONS, Emotion
from ml.types import Scores
from training.confidence import Confidence, CoveragePoint, measure_confidence, risk_coverage
from training.data import Fer2013, Labelling, Split, SplitName
from training.duplicates import near_duplicates
from training.errors import TrainingError
from training.metrics import Labels, Metrics, measure
from training.votes import NO_MAJORITY

DIGITS = 4
PUBLISHED_IMAGES = 35_887  # of FER-2013
IMAGES_OF_FACES = 35_707  # the same without those that FER+ marks as no face


@dataclass(frozen=True, slots=True)
class Evaluation:
    metrics: Metrics
    confidence: Confidence
    at_threshold: CoveragePoint  # what answering only from the model's own threshold on gives
    without_majority: int  # images that are left out, because FER+'s people saw no class by majority
    of_other_classes: int = 0  # images that are left out, because the model does not know their class

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the metrics' and the confidence's names on one level, numbers with four digits."""
        figures: dict[str, Any] = rounded(asdict(self.metrics) | asdict(self.confidence))
        return figures | {
            "at_threshold": rounded(asdict(self.at_threshold)),
            "without_majority": self.without_majority,
            "of_other_classes": self.of_other_classes,
        }


def is_fer2013(data: Fer2013) -> bool:
    """Tell by the number of images whether it is the published data set, whole or without those that are no face."""
    images = sum(len(split.labels) for split in data.splits.values())
    return data.name == "FER-2013" and images in (PUBLISHED_IMAGES, IMAGES_OF_FACES)


def named(data: Fer2013, source: Path) -> Fer2013:
    """The data under the name of the file or folder that it came from, unless it is FER-2013."""
    return data if is_fer2013(data) else replace(data, name=source.resolve().name)


def labelled(
    split: Split, scores: Scores, labelling: Labelling, classes: Sequence[Emotion] = EMOTIONS
) -> tuple[Labels, Scores]:
    """The labels as indices into `classes`, and the scores, (faces, classes), of the images that have one of these.

    Raises TrainingError if none has.
    """
    labels = among(split.labels_by(labelling), classes)
    has_label = labels != NO_MAJORITY
    if not has_label.any():
        raise TrainingError("No image has a label to compare with.")
    return labels[has_label], scores[has_label]


def among(labels: Labels, classes: Sequence[Emotion]) -> Labels:
    """Indices into EMOTIONS as indices into `classes`; NO_MAJORITY for the others."""
    index_of = np.full(len(EMOTIONS), NO_MAJORITY)
    index_of[[EMOTIONS.index(each) for each in classes]] = np.arange(len(classes))
    return np.where(labels == NO_MAJORITY, NO_MAJORITY, index_of[labels])


def evaluate_scores(
    split: Split, scores: Scores, labelling: Labelling, threshold: float, classes: Sequence[Emotion] = EMOTIONS
) -> Evaluation:
    """Compare scores, (faces, classes), with the split's labels. Raises TrainingError if it has none to compare."""
    labels, kept = labelled(split, scores, labelling, classes)
    without_majority = int((split.labels_by(labelling) == NO_MAJORITY).sum())
    return Evaluation(
        measure(labels, kept.argmax(axis=1), classes),
        measure_confidence(labels, kept),
        risk_coverage(labels, kept, np.array([threshold]))[0],
        without_majority,
        len(scores) - len(kept) - without_majority,
    )


def new_images(data: Fer2013, name: SplitName) -> NDArray[np.bool_]:
    """Tell which images of a split are no near-duplicate of a training image; none if there are no training images."""
    faces = data.split(name).faces
    if "train" not in data.splits:
        return np.zeros(len(faces), np.bool_)
    return ~near_duplicates(faces, data.splits["train"].faces)


def evaluate_new(
    split: Split,
    scores: Scores,
    labelling: Labelling,
    threshold: float,
    classes: Sequence[Emotion],
    new: NDArray[np.bool_],
) -> Evaluation | None:
    """The same for the `new` images only; nothing if none of them has a label."""
    if not (among(split.labels_by(labelling)[new], classes) != NO_MAJORITY).any():
        return None
    return evaluate_scores(split[new], scores[new], labelling, threshold, classes)


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
