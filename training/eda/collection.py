"""A data set as the report looks at it: all splits in one row, each face knowing its own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.types import GreyFaces
from training.data import Fer2013
from training.metrics import Labels
from training.votes import Votes

SEED = 2013  # of every random choice, so that two reports on one file are the same


@dataclass(frozen=True, slots=True)
class Collection:
    names: tuple[str, ...]  # of the splits that there are
    split: NDArray[np.int64]  # (n,), index into names
    faces: GreyFaces  # (n, 48, 48)
    labels: Labels  # (n,), index into EMOTIONS
    votes: Votes | None  # of people on the same faces, if FER+ was given: a folder's say nothing new

    def __len__(self) -> int:
        return len(self.labels)

    def some(self, rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """At most `count` of the rows, by chance but always the same."""
        return np.random.default_rng(SEED).permutation(rows)[:count]


def collect(data: Fer2013) -> Collection:
    splits = data.splits.values()
    counts = [split.votes.counts for split in splits if split.votes and data.votes_sha256]
    return Collection(
        names=tuple(data.splits),
        split=np.repeat(np.arange(len(splits)), [len(split.labels) for split in splits]),
        faces=np.concatenate([split.faces for split in splits]),
        labels=np.concatenate([split.labels for split in splits]),
        votes=Votes(np.concatenate(counts)) if len(counts) == len(splits) else None,
    )
