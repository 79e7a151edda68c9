"""A data set for the report: all splits in one array, with the split of each face."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.types import GreyFaces
from training.data.dataset import Dataset, Labels
from training.data.votes import Votes

SEED = 2013  # for every random choice, so that two reports on one file are the same


@dataclass(frozen=True, slots=True)
class Collection:
    names: tuple[str, ...]  # of the splits
    split: NDArray[np.int64]  # (n,), index into names
    faces: GreyFaces  # (n, 48, 48)
    labels: Labels  # (n,), index into EMOTIONS
    votes: Votes | None  # FER+'s on the same faces; None for a folder, whose votes only repeat the labels

    def __len__(self) -> int:
        return len(self.labels)

    def choose(self, rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """Choose at most `count` of the rows, at random but always the same."""
        return np.random.default_rng(SEED).permutation(rows)[:count]


def collect(data: Dataset) -> Collection:
    """Join the splits of a data set."""
    splits = data.splits.values()
    counts = [split.votes.counts for split in splits if split.votes and data.votes_sha256]
    return Collection(
        names=tuple(data.splits),
        split=np.repeat(np.arange(len(splits)), [len(split.labels) for split in splits]),
        faces=np.concatenate([split.faces for split in splits]),
        labels=np.concatenate([split.labels for split in splits]),
        votes=Votes(np.concatenate(counts)) if len(counts) == len(splits) else None,
    )
