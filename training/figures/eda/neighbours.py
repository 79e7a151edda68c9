"""Finds faces that look alike by their edges."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from tqdm import tqdm

from ml.labels import EMOTIONS
from ml.types import GreyFaces
from training.data.dataset import Labels
from training.figures.eda.collection import SEED
from training.fit.baseline.features import extract

NEIGHBOURS = 10
COMPONENTS = 100
BATCH = 1024


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The most similar other faces of each face, by the cosine of their HOG features."""

    index: NDArray[np.int64]  # (n, neighbours)
    distance: NDArray[np.float64]  # (n, neighbours), 0..2

    def count_labels(self, labels: Labels) -> NDArray[np.int64]:
        """Count how many neighbours of each face carry each label: (n, 7)."""
        seen = np.zeros((len(labels), len(EMOTIONS)), np.int64)
        np.add.at(seen, (np.arange(len(labels))[:, np.newaxis], labels[self.index]), 1)
        return seen


def find_neighbours(faces: GreyFaces, count: int = NEIGHBOURS) -> Neighbours:
    """Find the `count` most similar other faces of each face, or fewer if there are fewer. Needs two faces."""
    features = extract(faces, "hog", "clahe")
    features = PCA(min(COMPONENTS, *features.shape), svd_solver="randomized", random_state=SEED).fit_transform(features)
    search = NearestNeighbors(n_neighbors=min(count, len(faces) - 1) + 1, metric="cosine", algorithm="brute")
    search.fit(features)
    parts = [
        search.kneighbors(features[start : start + BATCH])
        for start in tqdm(range(0, len(faces), BATCH), "Neighbours", unit="block", leave=False, disable=None)
    ]
    distance, index = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Neighbours(*_without_itself(index, distance))


def _without_itself(
    index: NDArray[np.int64], distance: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Drop each face from its own neighbours, or the last neighbour where copies pushed the face out."""
    itself = index == np.arange(len(index))[:, np.newaxis]
    itself[~itself.any(axis=1), -1] = True
    shape = (len(index), index.shape[1] - 1)
    return index[~itself].reshape(shape), distance[~itself].reshape(shape)
