"""Loads the faces that --data names, in any form."""

from pathlib import Path

from training.data.dataset import Dataset
from training.data.fer2013 import load_fer2013
from training.data.folders import load_folder
from training.errors import TrainingError


def load_faces(source: Path, cache: Path, votes_file: Path | None = None) -> Dataset:
    """Read a fer2013.csv (or icml_face_data.csv), or a folder of class-named image folders.

    `votes_file` belongs to a CSV file only. Raises TrainingError if something is missing or wrong.
    """
    if not source.is_dir():
        return load_fer2013(source, cache, votes_file)
    if votes_file is not None:
        raise TrainingError(f"FER+ votes belong to the rows of a fer2013.csv; {source} is a folder. Leave out --votes.")
    return load_folder(source, cache)
