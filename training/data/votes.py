"""Reads FER+: what ten people saw in each image of FER-2013 (Barsoum et al. 2016)."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.labels import EMOTIONS, Emotion
from training.data.tables import FIRST_LINE, read_table
from training.errors import TrainingError
from training.files import explain_read_errors

COLUMN_OF: Final = {
    Emotion.ANGRY: "anger",
    Emotion.DISGUST: "disgust",
    Emotion.FEAR: "fear",
    Emotion.HAPPY: "happiness",
    Emotion.SAD: "sadness",
    Emotion.SURPRISE: "surprise",
    Emotion.NEUTRAL: "neutral",
}
COLUMNS: Final = [*(COLUMN_OF[emotion] for emotion in EMOTIONS), "contempt", "unknown", "NF"]
NO_MAJORITY = -1
PEOPLE = 10  # labelled each image

Shares = NDArray[np.float32]  # (images, 7), in the order of EMOTIONS


@dataclass(frozen=True, slots=True)
class Votes:
    counts: NDArray[np.uint8]  # (images, 10): EMOTIONS in their order, then contempt, unknown, no face

    @classmethod
    def unanimous(cls, labels: NDArray[np.generic]) -> "Votes":
        """Return the votes of ten people who all agree with the labels, which are indices into EMOTIONS."""
        counts = np.zeros((len(labels), len(COLUMNS)), np.uint8)
        counts[np.arange(len(labels)), labels] = PEOPLE
        return cls(counts)

    def __getitem__(self, rows: NDArray[np.generic] | slice) -> "Votes":
        return Votes(self.counts[rows])

    @property
    def _counted(self) -> NDArray[np.uint8]:
        """Return the counts without classes that only one person saw, as in FER+'s own code."""
        return np.where(self.counts > 1, self.counts, 0)

    def shares(self) -> Shares:
        """Return the share of each of the seven emotions in the votes; a row of zeros where nobody saw any of them."""
        seven = self._counted[:, : len(EMOTIONS)].astype(np.float32)
        total = seven.sum(axis=1, keepdims=True)
        shares: Shares = np.divide(seven, total, out=np.zeros_like(seven), where=total > 0)
        return shares

    def majority(self) -> NDArray[np.int64]:
        """Return the class of the seven that more than half of the votes name; NO_MAJORITY where there is none."""
        counted = self._counted
        winner = counted.argmax(axis=1).astype(np.int64)
        clear = (counted.max(axis=1) > counted.sum(axis=1) / 2) & (winner < len(EMOTIONS))
        return np.where(clear, winner, NO_MAJORITY)


def read_votes(csv_file: Path, usages: "pd.Series[str]") -> tuple[Votes, str]:
    """Read fer2013new.csv, whose rows must be those of a fer2013.csv with these `usages`.

    Returns the votes and the file's SHA-256. Raises TrainingError if the file is missing or cannot be read, any row is
    wrong, or the rows belong to other images.
    """
    with explain_read_errors(csv_file):
        if not csv_file.exists():
            raise TrainingError(f"There is no file {csv_file}. Name a fer2013new.csv with --votes.")
        content = csv_file.read_bytes()
    table = read_table(csv_file)
    if missing := {"Usage", *COLUMNS} - set(table.columns):
        raise TrainingError(f"{csv_file} has no column {', '.join(sorted(missing))}; is it a fer2013new.csv?")
    if table["Usage"].str.strip().tolist() != usages.tolist():
        raise TrainingError(f"{csv_file} has other rows than the faces' file: their Usage columns differ.")
    votes = table[COLUMNS].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    wrong = np.nonzero(~((votes >= 0) & (votes <= 255) & (votes == np.floor(votes))).all(axis=1))[0]
    if len(wrong):
        line = table.index[wrong[0]] + FIRST_LINE
        raise TrainingError(f"{csv_file} has wrong rows: line {line}: a number of votes is not 0..255")
    return Votes(votes.astype(np.uint8)), hashlib.sha256(content).hexdigest()
