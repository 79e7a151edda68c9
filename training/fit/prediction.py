"""Turns faces into scores, whatever runs the network."""

from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from ml.preprocessing import normalise
from ml.types import FaceInputs, GreyFaces, Preprocessing, Scores

BATCH = 64

Classifier = Callable[[FaceInputs], Scores]


def predict(faces: GreyFaces, preprocessing: Preprocessing, classify: Classifier, title: str) -> Scores:
    """Classify all faces in batches: (faces, 48, 48), 0..255 -> (faces, classes).

    On a terminal a progress bar with the title is shown.
    """
    return predict_outputs(faces, preprocessing, lambda inputs: {"": classify(inputs)}, title)[""]


def predict_outputs(
    faces: GreyFaces, preprocessing: Preprocessing, classify: Callable[[FaceInputs], dict[str, Scores]], title: str
) -> dict[str, Scores]:
    """Do the same with a network of several outputs; the scores come by the outputs' names."""
    parts = []
    with tqdm(total=len(faces), desc=title, unit="face", leave=False, disable=None) as progress:
        for start in range(0, len(faces), BATCH):
            batch = faces[start : start + BATCH]
            parts.append(classify(normalise(batch, preprocessing)))
            progress.update(len(batch))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
