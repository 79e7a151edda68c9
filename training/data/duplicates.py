"""Finds photos that a data set holds more than once, cropped, scaled, lit or mirrored differently."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.types import GreyFaces
from training.data.dataset import Dataset, SplitName

# The correlation of two faces at half size. Pairs of FER-2013 were judged by eye: above 0.96 nearly every pair shows
# the same photo in another crop, size or watermark, at 0.90 most do, below it few.
SAME_PHOTO = 0.9
HALF = 2
BATCH = 256

# The number of bits in which two hashes differ. Judged by eye on FER-2013: pairs that also correlate above SAME_PHOTO
# show the same photo up to 12 bits; from 13 bits on they are faces that happen to be alike.
SAME_HASH = 12
FREQUENCIES = 8  # the 2nd to the 9th in each direction, 64 in all
MIRRORED_BITS = np.packbits(np.tile(np.arange(FREQUENCIES) % 2 == 0, FREQUENCIES)).view(np.uint64)[0]

Hashes = NDArray[np.uint64]  # (faces,)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of faces, the closest first; each pair once."""

    first: NDArray[np.int64]  # (pairs,), index of a face
    second: NDArray[np.int64]  # (pairs,), index of a later face
    mirrored: NDArray[np.bool_]  # (pairs,), whether one face is the other's mirror image
    correlation: NDArray[np.float32]  # (pairs,), SAME_PHOTO..1

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, rows: NDArray[np.generic]) -> "Pairs":
        return Pairs(self.first[rows], self.second[rows], self.mirrored[rows], self.correlation[rows])


def find_near_duplicates(faces: GreyFaces, known: GreyFaces) -> NDArray[np.bool_]:
    """Tell which faces show, as they are or mirrored, the same photo as one of the known faces: (faces,) of bool."""
    known_patterns = _patterns(known).T
    found = np.zeros(len(faces), np.bool_)
    for start in range(0, len(faces), BATCH):
        batch = faces[start : start + BATCH]
        for turned in (batch, batch[:, :, ::-1]):
            found[start : start + BATCH] |= (_patterns(turned) @ known_patterns).max(axis=1) > SAME_PHOTO
    return found


def find_new_images(data: Dataset, name: SplitName) -> NDArray[np.bool_]:
    """Tell which images of a split are no near-duplicate of a training image; none if there are no training images."""
    faces = data.split(name).faces
    if "train" not in data.splits:
        return np.zeros(len(faces), np.bool_)
    return ~find_near_duplicates(faces, data.splits["train"].faces)


def compute_perceptual_hashes(faces: GreyFaces) -> Hashes:
    """Return 64 bits of each face that hardly change with brightness, contrast, size and small differences.

    This is pHash (Zauner 2010): the signs of the low frequencies of the face's cosine transform. The lowest ones, each
    row's and column's mean, are left out, because they are much alike in all faces. A mirror image has the same
    transform with the sign of every second column changed, so its hash is that of the face with MIRRORED_BITS flipped.
    """
    side = faces.shape[1]
    positions, frequencies = np.arange(side), np.arange(1, FREQUENCIES + 1)
    waves = np.cos(np.pi / side * np.outer(frequencies, positions + 0.5)).astype(np.float32)
    hashes = [
        np.packbits((waves @ faces[start : start + BATCH] @ waves.T > 0).reshape(-1, 64), axis=1).view(np.uint64)
        for start in range(0, len(faces), BATCH)
    ]
    return np.concatenate(hashes).ravel()


def find_pairs(faces: GreyFaces) -> Pairs:
    """Find all pairs of near-duplicates among the faces, as they are or mirrored.

    Two faces show one photo if their hashes differ in at most SAME_HASH bits and they correlate above SAME_PHOTO.
    The faces are compared in blocks: 36,000 faces take ten seconds, and memory for one block against all.
    On a terminal a progress bar is shown.
    """
    hashes, patterns, turned = compute_perceptual_hashes(faces), _patterns(faces), _patterns(faces[:, :, ::-1])
    found: list[Pairs] = []
    for start in tqdm(range(0, len(faces), BATCH), "Near-duplicates", unit="block", leave=False, disable=None):
        block = hashes[start : start + BATCH, np.newaxis]
        for mirrored, mask, others in ((False, np.uint64(0), patterns), (True, MIRRORED_BITS, turned)):
            near = np.bitwise_count(block ^ (hashes[start:] ^ mask)) <= SAME_HASH
            first, second = (indices + start for indices in np.nonzero(np.triu(near, 1)))
            correlation = np.einsum("ij,ij->i", patterns[first], others[second])
            near_pairs = Pairs(first, second, np.full(len(first), mirrored), correlation)
            found.append(near_pairs[correlation > SAME_PHOTO])
    return _closest_first(found)


def _closest_first(found: Sequence[Pairs]) -> Pairs:
    """Join and sort the pairs. If a pair is found both ways (a symmetric face), only the closer one stays."""
    pairs = Pairs(
        np.concatenate([part.first for part in found]),
        np.concatenate([part.second for part in found]),
        np.concatenate([part.mirrored for part in found]),
        np.concatenate([part.correlation for part in found]),
    )
    pairs = pairs[np.argsort(-pairs.correlation, kind="stable")]
    _, once = np.unique(np.stack([pairs.first, pairs.second]), axis=1, return_index=True)
    return pairs[np.sort(once)]


def _patterns(faces: GreyFaces) -> NDArray[np.float32]:
    """Return a vector for each face; the dot product of two is the correlation of the faces."""
    count, height, width = faces.shape
    small = faces.reshape(count, height // HALF, HALF, width // HALF, HALF).mean(axis=(2, 4), dtype=np.float32)
    vectors = small.reshape(count, -1) - small.mean(axis=(1, 2))[:, np.newaxis]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    patterns: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-6)
    return patterns
