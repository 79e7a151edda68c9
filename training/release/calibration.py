"""Makes the answers of a release honest: adjusts them for the classes' shares, and fits temperature and threshold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from ml.classifier import EmotionClassifier
from ml.detection.mtcnn import MtcnnDetector
from ml.labels import EMOTIONS, Emotion
from ml.pipeline import EmotionPipeline
from ml.types import ModelCard
from training.data.dataset import Dataset, Labelling
from training.data.photos import find_photos
from training.errors import TrainingError
from training.figures.evaluation import select_labelled
from training.figures.photos import score_photos
from training.fit.batches import make_targets
from training.fit.prediction import predict_outputs
from training.fit.run_folder import RunRecord
from training.release.adjustment import Adjustment, adjust_scores, apply_adjustment, choose_adjustment
from training.release.temperature import LabelledScores, apply_temperatures, fit_temperature, temper_scores
from training.release.threshold import choose_threshold


@dataclass(frozen=True, slots=True)
class Calibration:
    """The changes to the last layers of a network before it is released, and its threshold."""

    temperatures: dict[Labelling, float]  # by which the logits of each labelling are divided
    threshold: float  # of the confidence, below which the served answer counts as uncertain
    adjustment: Adjustment | None = None  # of the served labelling; applied before its temperature

    def apply(self, network: keras.Model, served: Labelling) -> None:
        """Change the last layers of the network."""
        if self.adjustment:
            apply_adjustment(network, served, self.adjustment.chosen.tau, self.adjustment.shares)
        apply_temperatures(network, self.temperatures)


def calibrate(
    network: keras.Model, data: Dataset, record: RunRecord, served: Labelling, photos: LabelledScores | None
) -> Calibration:
    """Calibrate each output on the validation split. With photos, the served output is calibrated on both sets."""
    split = data.split("validation")
    raw = predict_outputs(split.faces, record.config.preprocessing, network.predict_on_batch, "Scoring with Keras")
    labelled = {
        labelling: select_labelled(split, raw[labelling], labelling, record.config.classes)
        for labelling in record.config.labellings
    }
    temperatures = {labelling: fit_temperature(of_labelling) for labelling, of_labelling in labelled.items()}
    if photos is None:
        labels, scores = labelled[served]
        return Calibration(temperatures, choose_threshold(labels, temper_scores(scores, temperatures[served])))
    shares = make_targets(data.split("train"), record.config)[served].sum(axis=0, dtype=np.float64)
    adjustment = choose_adjustment(labelled[served], photos, shares / shares.sum())
    chosen = adjustment.chosen
    found = ~np.isnan(photos[1][:, 0])
    labels, scores = photos[0][found], photos[1][found]
    threshold = choose_threshold(
        labels, temper_scores(adjust_scores(scores, chosen.tau, adjustment.shares), chosen.temperature)
    )
    return Calibration(temperatures | {served: chosen.temperature}, threshold, adjustment)


def score_labelled_photos(weights: bytes, card: ModelCard, folder: Path, left_out: Sequence[Emotion]) -> LabelledScores:
    """Return the labels of a folder's photos and the scores of each photo's largest face; NaN without a face.

    Raises TrainingError if the model does not know all seven classes, a photo cannot be read, or none has a face.
    """
    if card.classes != EMOTIONS:
        raise TrainingError("Only a model that knows all seven classes can be scored on photos. Leave out --photos.")
    photos = find_photos(folder, left_out)
    pipeline = EmotionPipeline(MtcnnDetector(), EmotionClassifier(weights, card))
    (scores,) = score_photos([pipeline], photos, folder)
    if np.isnan(scores[:, 0]).all():
        raise TrainingError(f"No face was found in any photo of {folder}. Name a folder of photos with faces.")
    return np.array([label for _, label in photos], np.int64), scores.astype(np.float32)
