"""Reads FER-2013 in its public form into arrays, which are cached by the file's hash."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from ml.labels import EMOTIONS
from training.data.cache import Arrays, load_or_make
from training.data.dataset import IMAGE_SIZE, SPLITS, Dataset, Split, SplitName
from training.data.tables import FIRST_LINE, read_table
from training.data.votes import read_votes
from training.errors import TrainingError
from training.files import explain_read_errors

USAGE: Final[dict[str, SplitName]] = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
PIXELS = IMAGE_SIZE * IMAGE_SIZE
LABELS = [str(label) for label in range(len(EMOTIONS))]  # as they stand in the file
ERRORS_SHOWN = 10
SHOWN = 20  # characters of a wrong cell
ARRAYS = ["usages", *(f"{name}_{kind}" for name in SPLITS for kind in ("faces", "labels"))]  # in a cache file
CACHE_FORMAT = 2  # cache files with another number are not read


def load_fer2013(csv_file: Path, cache: Path, votes_file: Path | None = None) -> Dataset:
    """Read a fer2013.csv, or an icml_face_data.csv, whose headers are spaced: emotion, pixels, Usage.

    The decoded arrays are kept under `cache`, so a second call takes a second. With `votes_file`, FER+'s
    fer2013new.csv for the same rows, each split has the votes too.
    Raises TrainingError if a file is missing or cannot be read, or if any row is wrong: a bad file is refused whole.
    """
    if not csv_file.is_file():
        raise TrainingError(f"There is no file {csv_file}. Name a fer2013.csv, or a folder of images, with --data.")
    with explain_read_errors(csv_file), csv_file.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    file = cache / f"fer2013-{CACHE_FORMAT}-{sha256[:16]}.npz"
    arrays = load_or_make(file, lambda: _decode(csv_file), lambda arrays: set(ARRAYS) <= set(arrays))
    splits = {name: Split(arrays[f"{name}_faces"], arrays[f"{name}_labels"]) for name in SPLITS}
    usages = pd.Series(arrays["usages"].astype(str))
    if votes_file is None:
        return Dataset(splits, sha256)
    votes, votes_sha256 = read_votes(votes_file, usages)
    rows_of = {USAGE[usage]: (usages == usage).to_numpy() for usage in USAGE}
    return Dataset(
        {name: replace(split, votes=votes[rows_of[name]]) for name, split in splits.items()}, sha256, votes_sha256
    )


def _decode(csv_file: Path) -> Arrays:
    """Return the arrays to cache: each row's Usage, and the faces and labels of each split."""
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
    """Return the pixels of one row, (2304,). Raises ValueError that says what is wrong with it."""
    if emotion not in LABELS:
        raise ValueError(f"emotion {emotion[:SHOWN]!r} is not 0..{len(EMOTIONS) - 1}")
    if usage not in USAGE:
        raise ValueError(f"Usage {usage[:SHOWN]!r} is not one of {', '.join(USAGE)}")
    try:
        if not pixels.isascii() or "_" in pixels:  # int() would accept these
            raise ValueError
        values = np.array(pixels.split(), dtype=np.int64)
    except (ValueError, OverflowError):
        raise ValueError("pixels holds something that is not a whole number, or a far too large one") from None
    if values.size != PIXELS:
        raise ValueError(f"{values.size} pixels, not {PIXELS}")
    if values.min() < 0 or values.max() > 255:
        raise ValueError("a pixel is outside 0..255")
    return values.astype(np.uint8)
