"""The faces that --data names, whatever form they have."""

from pathlib import Path

from training.data import Fer2013, load_fer2013
from training.errors import TrainingError
from training.folders import load_folder


def load_faces(source: Path, cache: Path, votes_file: Path | None = None) -> Fer2013:
    """Read a fer2013.csv (or icml_face_data.csv), or a folder of class-named image folders.

    `votes_file` goes with the file only. Raises TrainingError if something is missing or wrong.
    """
    if not source.is_dir():
        return load_fer2013(source, cache, votes_file)
    if votes_file is not None:
        raise TrainingError(f"FER+ votes belong to the rows of a fer2013.csv; {source} is a folder. Leave out --votes.")
    return load_folder(source, cache)
