"""Faces -> probabilities -> figures, whatever runs the network."""

from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from ml.preprocessing import normalise
from ml.types import FaceInputs, GreyFaces, Preprocessing, Scores
from training.metrics import Labels

BATCH = 64

Classifier = Callable[[FaceInputs], Scores]


def score(faces: GreyFaces, preprocessing: Preprocessing, classify: Classifier, title: str) -> Scores:
    """Classify all faces in batches, on a terminal with a progress bar. (faces, 48, 48), 0..255 -> (faces, classes)."""
    parts = []
    with tqdm(total=len(faces), desc=title, unit="face", leave=False, disable=None) as progress:
        for start in range(0, len(faces), BATCH):
            batch = faces[start : start + BATCH]
            parts.append(classify(normalise(batch, preprocessing)))
            progress.update(len(batch))
    return np.concatenate(parts)


def predict(faces: GreyFaces, preprocessing: Preprocessing, classify: Classifier, title: str) -> Labels:
    """The class with the highest score of each face."""
    classes: Labels = score(faces, preprocessing, classify, title).argmax(axis=1)
    return classes
