"""Arrays that are made once and kept in a file."""

import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.files import write_whole

Arrays = dict[str, NDArray[Any]]
# What numpy and zipfile raise on a file that is cut short or altered.
DAMAGED = (OSError, ValueError, TypeError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error)


def cached(file: Path, make: Callable[[], Arrays], fits: Callable[[Arrays], bool]) -> Arrays:
    """Read the arrays from `file`, an .npz; without one, or with a damaged one, make them and write it.

    One whose arrays do not pass `fits`, being others than those that are made here, counts as damaged.
    Raises TrainingError if it cannot be written.
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
    write_whole(
        file,
        lambda partial: np.savez_compressed(partial, allow_pickle=False, **made),
        "Make room, or name another folder with --cache.",
    )
    return made
