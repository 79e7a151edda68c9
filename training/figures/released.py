"""Opens released models: card, weights, and one output as a classifier."""

import os
from pathlib import Path

import onnx

from ml.classifier import EmotionClassifier
from ml.errors import ModelUnavailable
from ml.registry import MODELS_DIR, read_model
from ml.types import ModelCard
from training.errors import TrainingError
from training.fit.prediction import Classifier


def locate_release(model: str) -> Path:
    """Return the folder of a released model, which is given by its name or its folder."""
    return Path(model).resolve() if Path(model).is_dir() else MODELS_DIR / model


def read_release(model: str, *, every_class: bool = True) -> tuple[ModelCard, bytes]:
    """Read the card and the weights of a released model, which is given by its name or its folder.

    Raises TrainingError if there is no such model or it is damaged, and with `every_class` also if it knows only some
    of the classes.
    """
    folder = locate_release(model)
    try:
        return read_model(folder.name, folder.parent, every_class=every_class)
    except ModelUnavailable as error:
        raise TrainingError(str(error)) from error


def open_output(model: bytes | Path, card: ModelCard, output: str) -> Classifier:
    """Return a classifier that answers with one output of an ONNX file or its bytes, on all cores.

    Raises TrainingError if the model does not fit the card.
    """
    try:
        return EmotionClassifier(model, card, threads=os.cpu_count() or 1, output=output).classify
    except ModelUnavailable as error:
        raise TrainingError(str(error)) from error


def list_outputs(weights: bytes) -> list[str]:
    """Return the names of an ONNX graph's outputs."""
    return [each.name for each in onnx.load_model_from_string(weights).graph.output]
