"""Extracts hand-made features of faces: evens out the light, then takes edges (HOG), textures (LBP) or pixels."""

from collections.abc import Callable, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import local_binary_pattern
from tqdm import tqdm

from ml.preprocessing import normalise, to_pictures
from ml.types import GreyFaces, Preprocessing
from training.fit.baseline.config import CellSide, FeatureKind, Normalisation
from training.fit.baseline.edges import compute_edge_histograms

Features = NDArray[np.float32]  # (faces, features)

CELL: CellSide = 8  # side in pixels of the squares into which a face is divided
NEIGHBOURS = 8  # pixels that LBP compares with the one in the middle
CODES = 59  # the uniform patterns of 8 neighbours, each rotation by itself, and one for all others
BATCH = 250  # faces at once
QUICK = 1000  # up to so many faces take a second or two, and no progress is shown
CLAHE_LIMIT = 2.0  # how much local contrast may grow; above 4 the noise grows
CLAHE_GRID = (4, 4)
STANDARDISED = Preprocessing(size=48, margin=1.0, normalisation="standardise")


def _none(faces: GreyFaces) -> GreyFaces:
    return faces


def _intensity(faces: GreyFaces) -> GreyFaces:
    return to_pictures(normalise(faces, STANDARDISED))


def _equalised(faces: GreyFaces) -> GreyFaces:
    return np.stack([cv2.equalizeHist(face) for face in faces]).astype(np.uint8)


def _clahe(faces: GreyFaces) -> GreyFaces:
    equaliser = cv2.createCLAHE(CLAHE_LIMIT, CLAHE_GRID)
    return np.stack([equaliser.apply(face) for face in faces]).astype(np.uint8)


# "intensity" gives every face the same mean and contrast. "equalise" makes every grey level equally frequent. "clahe"
# does that within each part of the face, which also removes a shadow on one side (Zuiderveld 1994).
NORMALISERS: Final[dict[Normalisation, Callable[[GreyFaces], GreyFaces]]] = {
    "none": _none,
    "intensity": _intensity,
    "equalise": _equalised,
    "clahe": _clahe,
}


def extract_lbp(faces: GreyFaces, cell: int = CELL) -> Features:
    """Return the histograms of uniform local binary patterns (Ojala et al. 2002) of each cell.

    Only which neighbour is brighter counts, so neither brightness nor contrast changes anything, except for the
    rounding of grey levels. The square roots of the shares are returned: their Euclidean distance is Hellinger's, in
    which the frequent codes of flat skin do not drown the others.
    """
    return np.stack([_lbp_of_face(face, cell) for face in faces])


def _lbp_of_face(face: NDArray[np.uint8], cell: int) -> NDArray[np.float32]:
    codes = local_binary_pattern(face, NEIGHBOURS, 1, method="nri_uniform").astype(np.int64)
    rows, columns = np.indices(codes.shape) // cell
    across = -(-face.shape[1] // cell)
    cells = across * -(-face.shape[0] // cell)
    counts = np.bincount((codes + CODES * (rows * across + columns)).ravel(), minlength=CODES * cells)
    return np.asarray(np.sqrt(counts / cell**2), np.float32)


def extract_pixels(faces: GreyFaces, cell: int = CELL) -> Features:
    """Return the grey levels, 0..1. `cell` is not used."""
    return np.asarray(faces.reshape(len(faces), -1) / 255, np.float32)


EXTRACTORS: Final[dict[FeatureKind, Sequence[Callable[[GreyFaces, int], Features]]]] = {
    "hog": (compute_edge_histograms,),
    "lbp": (extract_lbp,),
    "hog+lbp": (compute_edge_histograms, extract_lbp),
    "pixels": (extract_pixels,),
}


def extract(
    faces: GreyFaces, kind: FeatureKind, normalisation: Normalisation = "none", cell: CellSide = CELL
) -> Features:
    """Turn each of the faces, (faces, 48, 48), into a row of numbers, with a progress bar on a terminal for many."""
    parts, hidden = [], None if len(faces) > QUICK else True
    with tqdm(desc="Features", total=len(faces), unit="face", leave=False, disable=hidden) as bar:
        for start in range(0, len(faces), BATCH):
            batch = NORMALISERS[normalisation](faces[start : start + BATCH])
            parts.append(np.hstack([extractor(batch, cell) for extractor in EXTRACTORS[kind]]))
            bar.update(len(batch))
    return np.concatenate(parts)
