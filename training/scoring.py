"""Faces -> probabilities -> figures, whatever runs the network."""

from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from ml.preprocessing import normalise
from ml.types import FaceInputs, GreyFaces, Preprocessing, Scores
from training.data import Split
from training.metrics import Metrics, measure

BATCH = 64

Classifier = Callable[[FaceInputs], Scores]


def score(faces: GreyFaces, preprocessing: Preprocessing, classify: Classifier, title: str) -> Scores:
    """Classify all faces in batches, with a progress bar. (faces, 48, 48), 0..255 -> (faces, classes)."""
    parts = []
    with tqdm(total=len(faces), desc=title, unit="face", leave=False) as progress:
        for start in range(0, len(faces), BATCH):
            batch = faces[start : start + BATCH]
            parts.append(classify(normalise(batch, preprocessing)))
            progress.update(len(batch))
    return np.concatenate(parts)


def evaluate(split: Split, preprocessing: Preprocessing, classify: Classifier, title: str) -> Metrics:
    """Score every face of a split and compare the highest scores with the labels."""
    scores = score(split.faces, preprocessing, classify, title)
    return measure(split.labels, scores.argmax(axis=1))
