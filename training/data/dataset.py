"""Labelled faces: what FER-2013's file and a folder of images both become."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from training.data.votes import Votes
from training.errors import TrainingError

SplitName = Literal["train", "validation", "test"]
Labelling = Literal["fer", "ferplus"]  # who labelled: FER-2013's makers, or the ten people of FER+
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
LABELLINGS: tuple[Labelling, ...] = get_args(Labelling)

IMAGE_SIZE = 48  # side of a face in pixels
FER_2013 = "FER-2013"  # the name of the published data set
PUBLISHED_IMAGES = 35_887  # of FER-2013
IMAGES_OF_FACES = 35_707  # the same without the images that FER+ marks as showing no face

Labels = NDArray[np.int64]  # (images,), index into EMOTIONS, or into the classes of a model that knows fewer


@dataclass(frozen=True, slots=True)
class Split:
    faces: NDArray[np.uint8]  # (n, 48, 48), grey, 0..255
    labels: Labels  # (n,), index into EMOTIONS
    votes: Votes | None = None  # on the same images, if FER+ was given

    def labels_by(self, labelling: Labelling) -> Labels:
        """Return the class of each image, (n,); for FER+ it is NO_MAJORITY where people disagree.

        Raises TrainingError if FER+'s votes are wanted and were not given.
        """
        if labelling == "fer":
            return self.labels
        if self.votes is None:
            raise TrainingError("FER+'s labels need its votes: name the fer2013new.csv with --votes.")
        return self.votes.majority()

    def __getitem__(self, rows: NDArray[np.generic]) -> "Split":
        return Split(self.faces[rows], self.labels[rows], None if self.votes is None else self.votes[rows])


@dataclass(frozen=True, slots=True)
class Dataset:
    """The splits of FER-2013, or those of a folder of images in the same form."""

    splits: dict[SplitName, Split]
    sha256: str  # of the CSV file, or of a folder's files
    votes_sha256: str = ""  # of the FER+ file; empty without one
    name: str = FER_2013

    def split(self, name: SplitName) -> Split:
        """Return this split. Raises TrainingError if a folder lacks it."""
        if name not in self.splits:
            raise TrainingError(f"{self.name} has no {name} split, only {', '.join(self.splits)}.")
        return self.splits[name]

    @property
    def is_fer2013(self) -> bool:
        """Tell by the number of images whether this is FER-2013, whole or without the images that show no face."""
        images = sum(len(split.labels) for split in self.splits.values())
        return self.name == FER_2013 and images in (PUBLISHED_IMAGES, IMAGES_OF_FACES)

    def named_after(self, source: Path) -> "Dataset":
        """Return the data under the name of the file or folder it came from, unless it is FER-2013."""
        return self if self.is_fer2013 else replace(self, name=source.resolve().name)
