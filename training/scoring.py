"""Faces -> probabilities, whatever runs the network."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ml.classifier import EmotionClassifier
from ml.errors import ModelUnavailable
from ml.preprocessing import normalise
from ml.types import FaceInputs, GreyFaces, ModelCard, Preprocessing, Scores
from training.errors import TrainingError

BATCH = 64

Classifier = Callable[[FaceInputs], Scores]


def score(faces: GreyFaces, preprocessing: Preprocessing, classify: Classifier, title: str) -> Scores:
    """Classify all faces in batches, on a terminal with a progress bar. (faces, 48, 48), 0..255 -> (faces, classes)."""
    return score_outputs(faces, preprocessing, lambda inputs: {"": classify(inputs)}, title)[""]


def score_outputs(
    faces: GreyFaces, preprocessing: Preprocessing, classify: Callable[[FaceInputs], dict[str, Scores]], title: str
) -> dict[str, Scores]:
    """The same for a network of several outputs, by their names."""
    parts = []
    with tqdm(total=len(faces), desc=title, unit="face", leave=False, disable=None) as progress:
        for start in range(0, len(faces), BATCH):
            batch = faces[start : start + BATCH]
            parts.append(classify(normalise(batch, preprocessing)))
            progress.update(len(batch))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def exported(model: bytes | Path, card: ModelCard, output: str) -> Classifier:
    """One output of an ONNX file or its bytes, on all cores. Raises TrainingError if it does not fit the card."""
    try:
        return EmotionClassifier(model, card, threads=os.cpu_count() or 1, output=output).classify
    except ModelUnavailable as error:
        raise TrainingError(str(error)) from error
