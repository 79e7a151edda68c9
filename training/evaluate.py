"""The figures of a run or of a released model on one split."""

import os
from pathlib import Path

from ml.classifier import EmotionClassifier
from ml.errors import ModelUnavailable
from ml.registry import MODELS_DIR, read_model
from ml.types import Preprocessing
from training.data import Fer2013, Split, SplitName
from training.errors import TrainingError
from training.metrics import Metrics, measure
from training.run_folder import read_record
from training.scoring import Classifier, predict


def evaluate_run(run: Path, data: Fer2013, split: SplitName) -> Metrics:
    """Score the best epoch of a run through Keras.

    Raises TrainingError if the run has no finished epoch, or was trained on other data: then its
    training images could be among those of this split.
    """
    from training.trained import best_network  # here, because a released model does without TensorFlow

    record = read_record(run)
    record.check_data(data)
    return _evaluate(data.splits[split], record.config.preprocessing, best_network(run).predict_on_batch)


def evaluate_release(model: str, data: Fer2013, split: SplitName) -> Metrics:
    """Score a released model, named or by its folder, through ONNX Runtime.

    Raises TrainingError if there is no such model, or its weights are not those its card describes.
    """
    folder = Path(model).resolve() if Path(model).is_dir() else MODELS_DIR / model
    try:
        card, weights = read_model(folder.name, folder.parent)
        classifier = EmotionClassifier(weights, card, threads=os.cpu_count() or 1)
    except ModelUnavailable as error:
        raise TrainingError(str(error)) from error
    return _evaluate(data.splits[split], card.preprocessing, classifier.classify)


def _evaluate(split: Split, preprocessing: Preprocessing, classify: Classifier) -> Metrics:
    return measure(split.labels, predict(split.faces, preprocessing, classify, "Scoring"))
