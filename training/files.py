"""Writes files whole or not at all, and explains read errors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from training.errors import TrainingError


def write_atomically(file: Path, write: Callable[[Path], object], advice: str) -> None:
    """Let `write` make a file beside `file` that then takes its name; the folder is made if it is missing.

    Raises TrainingError, which ends with the sentence `advice`, if the disk is full or the folder cannot be written.
    The former file then stays.
    """
    partial = file.with_name(f"partial-{file.name}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        partial.replace(file)
    except OSError as error:
        with suppress(OSError):  # for example because a file has the name of the folder
            partial.unlink()
        raise TrainingError(f"{file} cannot be written ({error.strerror or error}). {advice}") from error


@contextmanager
def explain_read_errors(path: Path) -> Iterator[None]:
    """Turn errors of reading within the block into a TrainingError that names the file, or else `path`."""
    try:
        yield
    except OSError as error:
        raise TrainingError(f"{error.filename or path} cannot be read ({error.strerror or error}).") from error
