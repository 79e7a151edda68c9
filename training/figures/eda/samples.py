"""Shows what the classes look like: some of their faces, and the mean of all."""

import numpy as np
from numpy.typing import NDArray

from ml.labels import EMOTIONS
from ml.types import GreyFaces
from training.figures.eda.collection import Collection
from training.figures.eda.pictures import draw_mosaic
from training.figures.report import ReportFigure, Section

SAMPLES = 12
WHITE = 255


def show_samples(collection: Collection) -> Section:
    """Show some faces of each class."""
    shown = np.full((len(EMOTIONS) * SAMPLES, *collection.faces.shape[1:]), WHITE, np.uint8)
    for index in range(len(EMOTIONS)):
        rows = collection.choose(np.flatnonzero(collection.labels == index), SAMPLES)
        shown[index * SAMPLES : index * SAMPLES + len(rows)] = collection.faces[rows]
    figure = draw_mosaic(shown, [""] * len(shown), SAMPLES, EMOTIONS)
    caption = f"{SAMPLES} faces of each class, chosen at random from all splits; fewer where there are not so many."
    return Section("Samples", figures=[ReportFigure("samples", figure, caption)])


def show_mean_faces(collection: Collection) -> Section:
    """Show the mean of all faces of each class."""
    classes = [collection.faces[collection.labels == index] for index in range(len(EMOTIONS))]
    captions = [f"{emotion}\n{len(faces):,}" for emotion, faces in zip(EMOTIONS, classes, strict=True)]
    means = np.stack([_mean(faces) if len(faces) else np.full_like(collection.faces[0], WHITE) for faces in classes])
    figure = draw_mosaic(means, captions, len(EMOTIONS))
    text = (
        "The mean of all faces of a class, stretched to full contrast. What is sharp lies in the same place in "
        "all of them, as the eyes do where the crops are alike."
    )
    caption = "The mean face of each class, with its number of faces."
    return Section("Mean faces", text, [ReportFigure("mean-faces", figure, caption)])


def _mean(faces: GreyFaces) -> NDArray[np.uint8]:
    mean = faces.mean(axis=0)
    return np.asarray((mean - mean.min()) / max(np.ptp(mean), 1) * WHITE, np.uint8)
