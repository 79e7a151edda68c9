"""Reads which label and which groups a user gives each of their own photos."""

import os
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ml.labels import EMOTIONS
from training.data.folders import CLASS_FOLDERS, LabelledFile
from training.data.tables import FIRST_LINE, read_table
from training.errors import TrainingError

FILE, LABEL = "file", "label"
MOST_GROUPS = 20  # of a column; one with more is no grouping, and may hold names of people
LONGEST = 60  # characters of the name of a column or a group
ERRORS_SHOWN = 10


@dataclass(frozen=True, slots=True)
class GroupedPhotos:
    """Labelled photos, and the group of each in every column."""

    photos: list[LabelledFile]
    columns: dict[str, list[str]]  # the name of a column -> the group of each photo


def read_groups(csv_file: Path, folder: Path) -> GroupedPhotos:
    """Read a CSV file with the columns file and label, and one or more columns of groups; a row for each photo.

    Files are named from `folder` on. Raises TrainingError that names line and column of what is wrong.
    """
    if not csv_file.is_file():
        raise TrainingError(f"There is no file {csv_file}. Name a CSV file with the columns file, label and a group.")
    table = read_table(csv_file).fillna("").apply(lambda column: column.str.strip())
    _check_header(csv_file, table)
    names = [name for name in table.columns if name not in (FILE, LABEL)]
    _check_rows(csv_file, folder, table, names)
    labels = [EMOTIONS.index(CLASS_FOLDERS[label.lower()]) for label in table[LABEL]]
    photos = [(folder / file, label) for file, label in zip(table[FILE], labels, strict=True)]
    return GroupedPhotos(photos, {name: table[name].tolist() for name in names})


def _check_header(csv_file: Path, table: pd.DataFrame) -> None:
    names = table.columns
    if any(";" in name for name in names):
        raise TrainingError(f"{csv_file}, line 1: the columns are divided by semicolons. Save it divided by commas.")
    if missing := [name for name in (FILE, LABEL) if name not in names]:
        raise TrainingError(f"{csv_file}, line 1: there is no column {' and no column '.join(missing)}.")
    if len(names) < 3:
        raise TrainingError(f"{csv_file}, line 1: there is no column of groups, such as age, beside file and label.")
    for position, name in enumerate(names, 1):
        if not name or name.startswith("Unnamed:") or len(name) > LONGEST:
            raise TrainingError(
                f"{csv_file}, line 1, column {position}: give the column a name of up to {LONGEST} characters."
            )
    if table.empty:
        raise TrainingError(f"{csv_file} has no photos. Write a line for each: file, label and its groups.")


def _check_rows(csv_file: Path, folder: Path, table: pd.DataFrame, names: list[str]) -> None:
    errors: list[str] = []
    lines: dict[Path, int] = {}
    for index, row in zip(table.index, table.to_dict("records"), strict=True):
        line = int(index) + FIRST_LINE
        errors += [f"line {line}, column {column}: {text}" for column, text in _problems_of(row, folder, names)]
        if _is_photo(folder, row[FILE]) and (before := lines.setdefault((folder / row[FILE]).resolve(), line)) != line:
            errors.append(f"line {line}, column {FILE}: {row[FILE]} is in line {before} already")
    for name in names:
        if (groups := table[name].nunique()) > MOST_GROUPS:
            errors.append(f"column {name}: {groups} groups are too many. Join them to {MOST_GROUPS} at most")
    if errors:
        more = f"\n... and {len(errors) - ERRORS_SHOWN} more" if len(errors) > ERRORS_SHOWN else ""
        raise TrainingError(f"{csv_file} cannot be used:\n" + "\n".join(errors[:ERRORS_SHOWN]) + more)


def _problems_of(row: Mapping[Hashable, str], folder: Path, names: list[str]) -> list[tuple[str, str]]:
    """Return the column and the description of everything that is wrong with one row."""
    found = []
    if not _is_photo(folder, row[FILE]):
        found.append((FILE, f"there is no photo {row[FILE]!r} in {folder}"))
    if row[LABEL].lower() not in CLASS_FOLDERS:
        found.append((LABEL, f"{row[LABEL]!r} is none of {', '.join(EMOTIONS)}"))
    for name in names:
        if not 0 < len(row[name]) <= LONGEST:
            found.append((name, f"write a group of 1 to {LONGEST} characters, such as unknown"))
    return found


def _is_photo(folder: Path, name: str) -> bool:
    # Path.is_file raises an error for a name that is too long, and os.path.isfile does not.
    return not Path(name).is_absolute() and os.path.isfile(folder / name)
