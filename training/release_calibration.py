"""Makes the answers of a release honest: shares of the classes, temperature, threshold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from ml.classifier import EmotionClassifier
from ml.detection import MtcnnDetector
from ml.labels import EMOTIONS, Emotion
from ml.pipeline import EmotionPipeline
from ml.types import ModelCard
from training.adjustment import Adjustment, adjusted, apply_adjustment, choose_adjustment
from training.batches import targets_of
from training.calibration import Judged, apply_temperatures, choose_threshold, fit_temperature, tempered
from training.crops import find_photos, score_photos
from training.data import Fer2013, Labelling
from training.errors import TrainingError
from training.evaluation import labelled
from training.run_folder import RunRecord
from training.scoring import score_outputs


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is changed in the last layers of a network before it is released."""

    temperatures: dict[Labelling, float]  # by which each labelling's logits are divided
    threshold: float  # below which the served answer is uncertain
    adjustment: Adjustment | None = None  # of the served labelling, before its temperature

    def apply(self, network: keras.Model, served: Labelling) -> None:
        if self.adjustment:
            apply_adjustment(network, served, self.adjustment.chosen.tau, self.adjustment.shares)
        apply_temperatures(network, self.temperatures)


def calibrate(
    network: keras.Model, data: Fer2013, record: RunRecord, served: Labelling, photos: Judged | None
) -> Calibration:
    """Calibrate each output on the validation split; with photos the served one on both, see choose_adjustment."""
    split = data.split("validation")
    raw = score_outputs(split.faces, record.config.preprocessing, network.predict_on_batch, "Scoring with Keras")
    judged = {
        labelling: labelled(split, raw[labelling], labelling, record.config.classes)
        for labelling in record.config.labellings
    }
    temperatures = {labelling: fit_temperature(of_labelling) for labelling, of_labelling in judged.items()}
    if photos is None:
        labels, scores = judged[served]
        return Calibration(temperatures, choose_threshold(labels, tempered(scores, temperatures[served])))
    shares = targets_of(data.split("train"), record.config)[served].sum(axis=0, dtype=np.float64)
    adjustment = choose_adjustment(judged[served], photos, shares / shares.sum())
    chosen = adjustment.chosen
    found = ~np.isnan(photos[1][:, 0])
    labels, scores = photos[0][found], photos[1][found]
    threshold = choose_threshold(labels, tempered(adjusted(scores, chosen.tau, adjustment.shares), chosen.temperature))
    return Calibration(temperatures | {served: chosen.temperature}, threshold, adjustment)


def score_labelled_photos(weights: bytes, card: ModelCard, folder: Path, left_out: Sequence[Emotion]) -> Judged:
    """Return the labels of a folder's photos and the model's scores of each one's largest face, NaN without a face.

    Raises TrainingError if the model does not tell all seven classes apart, a photo cannot be read, or none has a face.
    """
    if card.classes != EMOTIONS:
        raise TrainingError("Only a model of all seven classes answers on photos. Leave out --photos.")
    photos = find_photos(folder, left_out)
    pipeline = EmotionPipeline(MtcnnDetector(), EmotionClassifier(weights, card))
    (scores,) = score_photos([pipeline], photos, folder)
    if np.isnan(scores[:, 0]).all():
        raise TrainingError(f"No face was found in any photo of {folder}. Name a folder of photos with faces.")
    return np.array([label for _, label in photos], np.int64), scores.astype(np.float32)
