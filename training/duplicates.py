"""Photos that FER-2013 holds more than once, cropped, sized, lit or mirrored otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.types import GreyFaces

# Correlation of two faces at half size. Looked at by eye on FER-2013: above 0.96 nearly every pair is the same
# photo in another crop, size or watermark, at 0.90 most are, below it few.
SAME_PHOTO = 0.9
HALF = 2
BATCH = 256

# Differing bits of two hashes. Looked at by eye on FER-2013: with a correlation above SAME_PHOTO as well, pairs of
# up to 12 bits are the same photo; from 13 on they are faces that happen to be alike.
SAME_HASH = 12
FREQUENCIES = 8  # the 2nd to 9th in each direction, 64 in all
TURNED = np.packbits(np.tile(np.arange(FREQUENCIES) % 2 == 0, FREQUENCIES)).view(np.uint64)[0]

Hashes = NDArray[np.uint64]  # (faces,)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of faces, the closest first; each pair once."""

    first: NDArray[np.int64]  # (pairs,), index of a face
    second: NDArray[np.int64]  # (pairs,), index of a later face
    mirrored: NDArray[np.bool_]  # (pairs,), whether one is the other's mirror image
    correlation: NDArray[np.float32]  # (pairs,), SAME_PHOTO..1

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, rows: NDArray[np.generic]) -> "Pairs":
        return Pairs(self.first[rows], self.second[rows], self.mirrored[rows], self.correlation[rows])


def near_duplicates(faces: GreyFaces, known: GreyFaces) -> NDArray[np.bool_]:
    """Tell which faces are, as they are or mirrored, the same photo as one of the known: (faces,) of bool."""
    known_patterns = _patterns(known).T
    found = np.zeros(len(faces), np.bool_)
    for start in range(0, len(faces), BATCH):
        batch = faces[start : start + BATCH]
        for turned in (batch, batch[:, :, ::-1]):
            found[start : start + BATCH] |= (_patterns(turned) @ known_patterns).max(axis=1) > SAME_PHOTO
    return found


def perceptual_hashes(faces: GreyFaces) -> Hashes:
    """64 bits of each face that brightness, contrast, size and small changes leave nearly as they are.

    pHash (Zauner 2010): the signs of the low frequencies of the face's cosine transform. The lowest, each row's and
    column's mean, are left out, as all faces have them much alike. A mirror image has the same transform
    with every second column's sign changed, so that its hash is the face's own with the bits of TURNED flipped.
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
    """All pairs of near-duplicates among the faces, as they are or mirrored, with a progress bar on a terminal.

    Two faces are one photo if their hashes differ in at most SAME_HASH bits and they correlate above SAME_PHOTO.
    Compares in blocks: 36,000 faces take ten seconds, and the memory for one block against all.
    """
    hashes, patterns, turned = perceptual_hashes(faces), _patterns(faces), _patterns(faces[:, :, ::-1])
    found: list[Pairs] = []
    for start in tqdm(range(0, len(faces), BATCH), "Near-duplicates", unit="block", leave=False, disable=None):
        block = hashes[start : start + BATCH, np.newaxis]
        for mirrored, mask, others in ((False, np.uint64(0), patterns), (True, TURNED, turned)):
            near = np.bitwise_count(block ^ (hashes[start:] ^ mask)) <= SAME_HASH
            first, second = (indices + start for indices in np.nonzero(np.triu(near, 1)))
            correlation = np.einsum("ij,ij->i", patterns[first], others[second])
            near_pairs = Pairs(first, second, np.full(len(first), mirrored), correlation)
            found.append(near_pairs[correlation > SAME_PHOTO])
    return _closest_first(found)


def _closest_first(found: Sequence[Pairs]) -> Pairs:
    """Join and sort; of a pair that is found both ways (a symmetric face) only the closer one stays."""
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
    """Vectors whose dot product is the faces' correlation."""
    count, height, width = faces.shape
    small = faces.reshape(count, height // HALF, HALF, width // HALF, HALF).mean(axis=(2, 4), dtype=np.float32)
    vectors = small.reshape(count, -1) - small.mean(axis=(1, 2))[:, np.newaxis]
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    patterns: NDArray[np.float32] = vectors / np.maximum(lengths, 1e-6)
    return patterns
