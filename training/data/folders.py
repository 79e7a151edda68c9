"""Reads class-named folders of images into the same arrays as FER-2013's file."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from ml.errors import InvalidImage
from ml.image import decode
from ml.labels import EMOTIONS, Emotion
from training.data.cache import Arrays, load_or_make
from training.data.dataset import IMAGE_SIZE, Dataset, Split, SplitName
from training.data.votes import Votes
from training.errors import TrainingError
from training.files import explain_read_errors

CLASS_FOLDERS: Final[dict[str, Emotion]] = {emotion.value: emotion for emotion in EMOTIONS} | {
    "anger": Emotion.ANGRY,
    "disgusted": Emotion.DISGUST,
    "fearful": Emotion.FEAR,
    "happiness": Emotion.HAPPY,
    "sadness": Emotion.SAD,
    "surprised": Emotion.SURPRISE,
}
SPLIT_FOLDERS: Final[dict[str, SplitName]] = {
    "train": "train",
    "validation": "validation",
    "val": "validation",
    "test": "test",
}
HELD_OUT = 10  # without a validation folder, each tenth image in train goes to the validation split
CACHE_FORMAT = 1  # cache files with another number are not read
NOT_IMAGES = ("thumbs.db", "desktop.ini")

LabelledFile = tuple[Path, int]  # an image's file, and the index of its class in EMOTIONS


def load_folder(folder: Path, cache: Path) -> Dataset:
    """Read `folder`/train/happy/*.png and so on, with validation (or val) and test; or `folder`/happy/*.png.

    Without a validation folder, every tenth image in train goes to the validation split. A folder of classes without
    splits becomes the test split and nothing else. The class of an image also stands for a unanimous FER+ vote.
    Images may have any size and any format that the pipeline reads. Each is made grey and 48x48, with its shorter side
    filled up with its edge pixels. Arrays are kept under `cache`, by the names and contents of the files.
    Raises TrainingError that names every folder that is no class, every file that is no image, the folders that mean
    the same split, or the file that cannot be read.
    """
    with explain_read_errors(folder):
        found = _find_splits(folder)
        sha256 = _hash(folder, found)
        names = {f"{name}_{kind}" for name in found for kind in ("faces", "labels")}
        file = cache / f"folder-{CACHE_FORMAT}-{sha256[:16]}.npz"
        arrays = load_or_make(file, lambda: _decode(folder, found), lambda arrays: names <= set(arrays))
    splits = {
        name: Split(arrays[f"{name}_faces"], labels := arrays[f"{name}_labels"], Votes.unanimous(labels))
        for name in found
    }
    return Dataset(splits, sha256, name=folder.resolve().name)


def _find_splits(folder: Path) -> dict[SplitName, list[LabelledFile]]:
    inside = folders_in(folder)
    if not any(each.name.lower() in SPLIT_FOLDERS for each in inside):
        found: dict[SplitName, list[LabelledFile]] = {"test": find_images(folder)}
    else:
        if unknown := [each.name for each in inside if each.name.lower() not in SPLIT_FOLDERS]:
            raise TrainingError(f"{folder} holds {', '.join(unknown)} beside {', '.join(SPLIT_FOLDERS)}. Move it away.")
        for name in SPLIT_FOLDERS.values():
            same = [each.name for each in inside if SPLIT_FOLDERS[each.name.lower()] == name]
            if len(same) > 1:
                raise TrainingError(f"{folder} holds {' and '.join(same)}, which are one split. Move all but one away.")
        found = {SPLIT_FOLDERS[each.name.lower()]: find_images(each) for each in inside}
        if "train" in found and "validation" not in found:
            found["validation"] = found["train"][HELD_OUT - 1 :: HELD_OUT]
            del found["train"][HELD_OUT - 1 :: HELD_OUT]
    return {name: images for name, images in found.items() if images}


def folders_in(folder: Path) -> list[Path]:
    """List the folders in a folder, without hidden ones."""
    return sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))


def find_images(folder: Path) -> list[LabelledFile]:
    """List the images in a folder of class folders, class by class.

    Raises TrainingError if a folder is no class or cannot be read, or if there is no image.
    """
    classes = folders_in(folder)
    if unknown := [each.name for each in classes if each.name.lower() not in CLASS_FOLDERS]:
        raise TrainingError(
            f"{folder} holds folders that are no class: {', '.join(unknown)}. Name them as one of"
            f" {', '.join(CLASS_FOLDERS)}, or move them away."
        )
    with explain_read_errors(folder):
        images = [
            (file, EMOTIONS.index(CLASS_FOLDERS[each.name.lower()]))
            for each in classes
            for file in sorted(_files_below(each))
            if file.is_file() and not file.name.startswith(".") and file.name.lower() not in NOT_IMAGES
        ]
    if not images:
        raise TrainingError(f"{folder} holds no images. It needs a folder for each class, such as {folder}/happy.")
    return images


def _files_below(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder. Raises OSError if one cannot be read, where Path.rglob would skip it silently."""

    def stop(error: OSError) -> None:
        raise error

    for inside, _, names in os.walk(folder, onerror=stop):
        yield from (Path(inside) / name for name in names)


def _hash(folder: Path, found: dict[SplitName, list[LabelledFile]]) -> str:
    """Return the SHA-256, hexadecimal, of all files' names, contents, splits and classes."""
    total = hashlib.sha256()
    for split in sorted(found):
        for file, label in found[split]:
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            total.update(f"{split} {label} {file.relative_to(folder).as_posix()} {content}\n".encode())
    return total.hexdigest()


def _decode(folder: Path, found: dict[SplitName, list[LabelledFile]]) -> Arrays:
    errors: list[str] = []
    arrays: Arrays = {}
    for split, images in found.items():
        arrays[f"{split}_faces"] = faces = np.zeros((len(images), IMAGE_SIZE, IMAGE_SIZE), np.uint8)
        for index, file in enumerate(_with_progress(images, split)):
            try:
                faces[index] = read_face(file)
            except InvalidImage as error:
                errors.append(f"{file.relative_to(folder)}: {error}")
        arrays[f"{split}_labels"] = np.array([label for _, label in images], np.int64)
    if errors:
        raise TrainingError(f"{folder} has files that cannot be read as images:\n" + "\n".join(errors))
    return arrays


def _with_progress(images: list[LabelledFile], split: SplitName) -> Iterator[Path]:
    return (file for file, _ in tqdm(images, f"Reading {split}", unit="face", leave=False, disable=None))


def read_face(file: Path) -> NDArray[np.uint8]:
    """Read the image of a cropped face: grey, (48, 48), 0..255. Raises InvalidImage."""
    grey = cv2.cvtColor(decode(file.read_bytes()).image, cv2.COLOR_RGB2GRAY)
    height, width = grey.shape
    side = max(height, width)
    above, left = (side - height) // 2, (side - width) // 2
    square = np.pad(grey, ((above, side - height - above), (left, side - width - left)), mode="edge")
    interpolation = cv2.INTER_AREA if side >= IMAGE_SIZE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (IMAGE_SIZE, IMAGE_SIZE), interpolation=interpolation), dtype=np.uint8)
