"""Keeps arrays that take long to make in a file."""

import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.files import write_atomically

Arrays = dict[str, NDArray[Any]]
# Raised by numpy and zipfile for a file that is cut short or altered.
DAMAGED = (OSError, ValueError, TypeError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)


def load_or_make(file: Path, make: Callable[[], Arrays], fits: Callable[[Arrays], bool]) -> Arrays:
    """Read the arrays from `file`, an .npz. If it is missing or damaged, make them and write it.

    A file whose arrays do not pass `fits` counts as damaged. Raises TrainingError if the file cannot be written.
    """
    if file.exists():
        try:
            with np.load(file, allow_pickle=False) as opened:
                arrays = dict(opened)
            if fits(arrays):
                return arrays
        except DAMAGED:
            pass
        print(f"The cache file {file} is damaged. It is built again.", file=sys.stderr)
    made = make()
    write_atomically(
        file,
        lambda partial: np.savez_compressed(partial, allow_pickle=False, **made),
        "Make room, or name another folder with --cache.",
    )
    return made
