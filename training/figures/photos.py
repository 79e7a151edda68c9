"""Runs the whole pipeline on labelled photos."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.errors import InvalidImage
from ml.labels import EMOTIONS
from ml.pipeline import EmotionPipeline
from training.data.dataset import Labels
from training.data.folders import LabelledFile
from training.errors import TrainingError
from training.figures.metrics import NO_ANSWER


def score_photos(
    pipelines: Sequence[EmotionPipeline], photos: Sequence[LabelledFile], folder: Path
) -> NDArray[np.float64]:
    """Return each pipeline's scores for the largest face of each photo of `folder`: (pipelines, photos, classes).

    They are NaN for a photo in which no face was found. On a terminal a progress bar is shown. Raises TrainingError
    that names every photo that cannot be read.
    """
    scores = np.full((len(pipelines), len(photos), len(EMOTIONS)), np.nan)
    errors: list[str] = []
    for column, (file, _) in enumerate(tqdm(photos, "Photos", unit="photo", leave=False, disable=None)):
        try:
            for row, pipeline in enumerate(pipelines):
                if faces := pipeline.analyze(file.read_bytes()).faces:
                    scores[row, column] = faces[0].scores
        except InvalidImage as error:
            errors.append(f"{file.relative_to(folder)}: {error}")
    if errors:
        raise TrainingError(f"{folder} has photos that cannot be read:\n" + "\n".join(errors))
    return scores


def predicted_classes(scores: NDArray[np.float64]) -> Labels:
    """Return the class of each photo, (photos,), from its scores; NO_ANSWER where no face was found."""
    return np.where(np.isnan(scores[:, 0]), NO_ANSWER, scores.argmax(axis=1))
