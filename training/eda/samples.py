"""What the classes look like: some of their faces, and the mean of all."""

import numpy as np
from numpy.typing import NDArray

from ml.labels import EMOTIONS
from ml.types import GreyFaces
from training.eda.collection import Collection
from training.eda.pictures import mosaic
from training.report import ReportFigure, Section

SAMPLES = 12
WHITE = 255


def samples(collection: Collection) -> Section:
    shown = np.full((len(EMOTIONS) * SAMPLES, *collection.faces.shape[1:]), WHITE, np.uint8)
    for index in range(len(EMOTIONS)):
        rows = collection.some(np.flatnonzero(collection.labels == index), SAMPLES)
        shown[index * SAMPLES : index * SAMPLES + len(rows)] = collection.faces[rows]
    figure = mosaic(shown, [""] * len(shown), SAMPLES, EMOTIONS)
    caption = f"{SAMPLES} faces of each class, chosen by chance from all splits; fewer where there are not so many."
    return Section("Samples", figures=[ReportFigure("samples", figure, caption)])


def mean_faces(collection: Collection) -> Section:
    classes = [collection.faces[collection.labels == index] for index in range(len(EMOTIONS))]
    captions = [f"{emotion}\n{len(faces):,}" for emotion, faces in zip(EMOTIONS, classes, strict=True)]
    means = np.stack([_mean(faces) if len(faces) else np.full_like(collection.faces[0], WHITE) for faces in classes])
    figure = mosaic(means, captions, len(EMOTIONS))
    text = (
        "The mean of all faces of a class, stretched to full contrast. What is sharp lies in the same place in "
        "all of them, as the eyes do where the crops are alike."
    )
    caption = "The mean face of each class, with its number of faces."
    return Section("Mean faces", text, [ReportFigure("mean-faces", figure, caption)])


def _mean(faces: GreyFaces) -> NDArray[np.uint8]:
    mean = faces.mean(axis=0)
    return np.asarray((mean - mean.min()) / max(np.ptp(mean), 1) * WHITE, np.uint8)
