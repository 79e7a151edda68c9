"""FER-2013 in its public form -> arrays, decoded once and cached by the file's hash."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from ml.labels import EMOTIONS
from training.cache import Arrays, cached
from training.errors import TrainingError
from training.files import reading
from training.tables import FIRST_LINE, read_table
from training.votes import Votes, read_votes

SplitName = Literal["train", "validation", "test"]
Labelling = Literal["fer", "ferplus"]  # who labelled: FER-2013's makers, or the ten people of FER+
LABELLINGS: tuple[Labelling, ...] = get_args(Labelling)
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
USAGE: Final[dict[str, SplitName]] = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
IMAGE_SIZE = 48  # side of a face in pixels
PIXELS = IMAGE_SIZE * IMAGE_SIZE
LABELS = [str(label) for label in range(len(EMOTIONS))]  # as the file has them
ERRORS_SHOWN = 10
SHOWN = 20  # characters of a wrong cell
ARRAYS = ["usages", *(f"{name}_{kind}" for name in SPLITS for kind in ("faces", "labels"))]  # that are cached
CACHE_FORMAT = 2  # files of another number are not read


@dataclass(frozen=True, slots=True)
class Split:
    faces: NDArray[np.uint8]  # (n, 48, 48), grey, 0..255
    labels: NDArray[np.int64]  # (n,), index into EMOTIONS
    votes: Votes | None = None  # of the same images, if FER+ was given

    def labels_by(self, labelling: Labelling) -> NDArray[np.int64]:
        """The class of each image, (n,); FER+'s is NO_MAJORITY where people disagree.

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
class Fer2013:
    """Labelled faces: FER-2013's, or those of a folder in the same form."""

    splits: dict[SplitName, Split]
    sha256: str  # of the CSV file, or of a folder's files
    votes_sha256: str = ""  # of the FER+ file, if there was one
    name: str = "FER-2013"

    def split(self, name: SplitName) -> Split:
        """Raises TrainingError if a folder lacks this split."""
        if name not in self.splits:
            raise TrainingError(f"{self.name} has no {name} split, only {', '.join(self.splits)}.")
        return self.splits[name]


def load_fer2013(csv_file: Path, cache: Path, votes_file: Path | None = None) -> Fer2013:
    """Read fer2013.csv (emotion, pixels, Usage; also with spaced headers, as icml_face_data.csv).

    The decoded arrays are kept under `cache`, so a second call takes a second. With `votes_file`, which is
    FER+'s fer2013new.csv for the same rows, each split has the votes too.
    Raises TrainingError if a file is missing or cannot be read, or any row is wrong: a bad file is refused whole.
    """
    if not csv_file.is_file():
        raise TrainingError(f"There is no file {csv_file}. Name a fer2013.csv, or a folder of images, with --data.")
    with reading(csv_file), csv_file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    file = cache / f"fer2013-{CACHE_FORMAT}-{sha256[:16]}.npz"
    arrays = cached(file, lambda: _decode(csv_file), lambda arrays: set(ARRAYS) <= set(arrays))
    splits = {name: Split(arrays[f"{name}_faces"], arrays[f"{name}_labels"]) for name in SPLITS}
    usages = pd.Series(arrays["usages"].astype(str))
    if votes_file is None:
        return Fer2013(splits, sha256)
    votes, votes_sha256 = read_votes(votes_file, usages)
    rows_of = {USAGE[usage]: (usages == usage).to_numpy() for usage in USAGE}
    return Fer2013(
        {name: replace(split, votes=votes[rows_of[name]]) for name, split in splits.items()}, sha256, votes_sha256
    )


def _decode(csv_file: Path) -> Arrays:
    table = read_table(csv_file)
    if missing := {"emotion", "pixels", "Usage"} - set(table.columns):
        raise TrainingError(f"{csv_file} has no column {', '.join(sorted(missing))}; is it a fer2013.csv?")
    faces = np.zeros((len(table), PIXELS), np.uint8)
    errors: list[str] = []
    rows = zip(table["emotion"].str.strip(), table["pixels"], table["Usage"], strict=True)
    for index, (emotion, pixels, usage) in enumerate(
        tqdm(rows, "Reading FER-2013", len(table), unit="face", disable=None)
    ):
        try:
            faces[index] = _decode_row(emotion, pixels, usage.strip())
        except ValueError as error:
            errors.append(f"line {table.index[index] + FIRST_LINE}: {error}")
    if errors:
        more = f"\n... and {len(errors) - ERRORS_SHOWN} more" if len(errors) > ERRORS_SHOWN else ""
        raise TrainingError(f"{csv_file} has wrong rows:\n" + "\n".join(errors[:ERRORS_SHOWN]) + more)
    labels = table["emotion"].astype(np.int64).to_numpy()
    usages = table["Usage"].str.strip()
    split_of_row = usages.map(USAGE)
    arrays: Arrays = {"usages": usages.to_numpy(dtype="U11")}
    for name in SPLITS:
        rows_of_split = (split_of_row == name).to_numpy()
        if not rows_of_split.any():
            raise TrainingError(f"{csv_file} has no rows of the {name} split.")
        arrays[f"{name}_faces"] = faces[rows_of_split].reshape(-1, IMAGE_SIZE, IMAGE_SIZE)
        arrays[f"{name}_labels"] = labels[rows_of_split]
    return arrays


def _decode_row(emotion: str, pixels: str, usage: str) -> NDArray[np.uint8]:
    if emotion not in LABELS:
        raise ValueError(f"emotion {emotion[:SHOWN]!r} is not 0..{len(EMOTIONS) - 1}")
    if usage not in USAGE:
        raise ValueError(f"Usage {usage[:SHOWN]!r} is not one of {', '.join(USAGE)}")
    try:
        if not pixels.isascii() or "_" in pixels:  # which int() takes
            raise ValueError
        values = np.array(pixels.split(), dtype=np.int64)
    except (ValueError, OverflowError):
        raise ValueError("pixels holds something that is not a whole number, or a far too large one") from None
    if values.size != PIXELS:
        raise ValueError(f"{values.size} pixels, not {PIXELS}")
    if values.min() < 0 or values.max() > 255:
        raise ValueError("a pixel is outside 0..255")
    return values.astype(np.uint8)
