"""Compares networks on the validation split and on whole photos together, to choose which one to release.

What a network gains on FER-2013 need not hold on real photos, so neither decides without the other.
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
from training.data.dataset import IMAGE_SIZE, LABELLINGS, Dataset, Labelling
from training.errors import TrainingError
from training.figures.crops import compare_crops
from training.figures.evaluation import select_labelled
from training.figures.released import open_output
from training.fit.prediction import predict
from training.fit.run_folder import CONFIG_FILE
from training.fit.start import Start
from training.fit.trained import load_best_network, load_network
from training.release.graph import write_onnx

PREPROCESSING = Preprocessing(IMAGE_SIZE, 1.0, "standardise")


@dataclass(frozen=True, slots=True)
class Candidate:
    """The figures of a network whose answer is the mean over the face and its mirror image."""

    folder: Path
    validation: dict[Labelling, float]  # accuracy
    photos_accuracy: float  # the mean over the crops
    photos_recall: float  # the mean over the classes and the crops

    @property
    def merit(self) -> float:
        """Return the mean of the figures on the validation split and on photos; both count the same."""
        on_photos = (self.photos_accuracy + self.photos_recall) / 2
        return (statistics.mean(self.validation.values()) + on_photos) / 2


def compare_networks(
    folders: Sequence[Path], data: Dataset, photos: Path, margins: Sequence[float], left_out: Sequence[Emotion]
) -> list[Candidate]:
    """Score the networks of runs (of their best epoch), checkpoints and releases; the best comes first.

    Photos of the classes in `left_out` do not count. Raises TrainingError if a folder has no network or one that knows
    only some classes, the votes are missing, or a photo cannot be read.
    """
    candidates = [_measure(folder, data, photos, margins, left_out) for folder in folders]
    return sorted(candidates, key=lambda candidate: -candidate.merit)


def _measure(
    folder: Path, data: Dataset, photos: Path, margins: Sequence[float], left_out: Sequence[Emotion]
) -> Candidate:
    network = _load_network(folder)
    learnt = [labelling for labelling in LABELLINGS if labelling in network.output_names]
    card = ModelCard(folder.name, "", EMOTIONS, PREPROCESSING, "", learnt[-1], 0.0)
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "model.onnx"
        write_onnx(network, IMAGE_SIZE, file, flip=True)
        weights = file.read_bytes()
    crops = compare_crops(weights, card, photos, margins, left_out)
    return Candidate(
        folder,
        {labelling: _measure_accuracy(data, weights, card, labelling) for labelling in learnt},
        statistics.mean(crop.metrics.accuracy for crop in crops),
        statistics.mean(crop.metrics.mean_recall for crop in crops),
    )


def _load_network(folder: Path) -> keras.Model:
    start = Start(folder)
    if start.classes != EMOTIONS:
        raise TrainingError(
            f"{folder} knows only {len(start.classes)} classes. Name networks that know all {len(EMOTIONS)}."
        )
    return load_best_network(folder) if (folder / CONFIG_FILE).exists() else load_network(start.file)


def _measure_accuracy(data: Dataset, weights: bytes, card: ModelCard, labelling: Labelling) -> float:
    split = data.split("validation")
    scores = predict(split.faces, card.preprocessing, open_output(weights, card, labelling), "Scoring")
    labels, kept = select_labelled(split, scores, labelling)
    return float(np.mean(kept.argmax(axis=1) == labels))
