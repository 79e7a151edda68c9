"""Which of several networks to release: by the validation split and by whole photos together.

What a network gains on FER-2013 alone need not reach real photos, so neither decides without the other.
"""

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from ml.labels import EMOTIONS, Emotion
from ml.types import ModelCard, Preprocessing
from training.crops import compare_crops
from training.data import IMAGE_SIZE, LABELLINGS, Fer2013, Labelling
from training.errors import TrainingError
from training.evaluation import labelled
from training.graph import write_onnx
from training.run_folder import CONFIG_FILE
from training.scoring import exported, score
from training.start import Start
from training.trained import best_network, load_network

PREPROCESSING = Preprocessing(IMAGE_SIZE, 1.0, "standardise")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A network's figures, answering with the mean over the face and its mirror image."""

    folder: Path
    validation: dict[Labelling, float]  # accuracy
    photos_accuracy: float  # both are means over the crops
    photos_recall: float  # the mean over the classes

    @property
    def merit(self) -> float:
        """The mean of what it gives on the validation split, and of what on photos: both count the same."""
        on_photos = (self.photos_accuracy + self.photos_recall) / 2
        return (statistics.mean(self.validation.values()) + on_photos) / 2


def compare_networks(
    folders: Sequence[Path], data: Fer2013, photos: Path, margins: Sequence[float], left_out: Sequence[Emotion]
) -> list[Candidate]:
    """Score the networks of runs (their best epoch's), checkpoints and releases; the one with most merit first.

    Photos of the classes that are `left_out` do not count. Raises TrainingError if a folder has no network, or one
    of some classes only, the votes are missing, or a photo cannot be read.
    """
    candidates = [_measure(folder, data, photos, margins, left_out) for folder in folders]
    return sorted(candidates, key=lambda candidate: -candidate.merit)


def _measure(
    folder: Path, data: Fer2013, photos: Path, margins: Sequence[float], left_out: Sequence[Emotion]
) -> Candidate:
    network = _network(folder)
    learnt = [labelling for labelling in LABELLINGS if labelling in network.output_names]
    card = ModelCard(folder.name, "", EMOTIONS, PREPROCESSING, "", learnt[-1], 0.0)
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "model.onnx"
        write_onnx(network, IMAGE_SIZE, file, flip=True)
        weights = file.read_bytes()
    crops = compare_crops(weights, card, photos, margins, left_out)
    return Candidate(
        folder,
        {labelling: _accuracy(data, weights, card, labelling) for labelling in learnt},
        statistics.mean(crop.metrics.accuracy for crop in crops),
        statistics.mean(crop.metrics.mean_recall for crop in crops),
    )


def _network(folder: Path) -> keras.Model:
    start = Start(folder)
    if start.classes != EMOTIONS:
        raise TrainingError(f"{folder} tells {len(start.classes)} classes apart. Name networks of all {len(EMOTIONS)}.")
    return best_network(folder) if (folder / CONFIG_FILE).exists() else load_network(start.file)


def _accuracy(data: Fer2013, weights: bytes, card: ModelCard, labelling: Labelling) -> float:
    split = data.split("validation")
    scores = score(split.faces, card.preprocessing, exported(weights, card, labelling), "Scoring")
    labels, kept = labelled(split, scores, labelling)
    return float(np.mean(kept.argmax(axis=1) == labels))
