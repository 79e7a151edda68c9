"""Finds labelled whole photos, and tells them from cropped faces."""

import re
import statistics
from collections.abc import Sequence
from pathlib import Path

from ml.errors import InvalidImage
from ml.image import check_photo
from ml.labels import EMOTIONS, Emotion
from training.data.folders import CLASS_FOLDERS, LabelledFile, find_images, folders_in
from training.errors import TrainingError

LARGE = 200  # pixels of the shorter side; a cropped face seldom has more
SAMPLE = 50  # images to look at before judging a folder


def find_photos(folder: Path, left_out: Sequence[Emotion] = ()) -> list[LabelledFile]:
    """Return the photos in class-named folders, or those named by their class such as angry-00.jpg.

    Other files are ignored. Raises TrainingError if there is no photo, or none but those of the classes left out.
    """
    if not folder.is_dir():
        raise TrainingError(f"There is no folder {folder}. Name a folder of photos.")
    found = find_images(folder) if folders_in(folder) else _find_by_name(folder)
    unwanted = {EMOTIONS.index(each) for each in left_out}
    if kept := [(file, label) for file, label in found if label not in unwanted]:
        return kept
    raise TrainingError(f"{folder} has no photos but those of {', '.join(left_out)}, which are left out.")


def holds_whole_photos(folder: Path) -> bool:
    """Tell from a sample whether most images of a folder are far larger than cropped faces."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    sides = [_shorter_side(file) for file in files[:: max(len(files) // SAMPLE, 1)]]
    known = [side for side in sides if side]
    return bool(known) and statistics.median(known) > LARGE


def _find_by_name(folder: Path) -> list[LabelledFile]:
    found = []
    for file in sorted(folder.iterdir()):
        prefix = re.match(r"[a-z]+", file.name.lower())
        if file.is_file() and prefix and prefix[0] in CLASS_FOLDERS:
            found.append((file, EMOTIONS.index(CLASS_FOLDERS[prefix[0]])))
    if not found:
        raise TrainingError(f"{folder} has no photos named by their class, such as angry-00.jpg or angry/00.jpg.")
    return found


def _shorter_side(file: Path) -> int:
    """Return the shorter side of an image in pixels; 0 if the file is no image."""
    try:
        photo = check_photo(file.read_bytes())
    except InvalidImage:
        return 0
    return min(photo.width, photo.height)
