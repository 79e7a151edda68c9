"""Files that are there whole or not at all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from training.errors import TrainingError


def write_whole(file: Path, write: Callable[[Path], object], advice: str) -> None:
    """Let `write` write a file beside `file` that then takes its name, in a folder that is made if need be.

    Raises TrainingError, which ends with the sentence `advice`, if the disk is full or the folder cannot be
    written; what was there before stays.
    """
    partial = file.with_name(f"partial-{file.name}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        partial.replace(file)
    except OSError as error:
        with suppress(OSError):  # such as that a file stands where the folder should
            partial.unlink()
        raise TrainingError(f"{file} cannot be written ({error.strerror or error}). {advice}") from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raises TrainingError if something cannot be read within the block: it names that, or else `path`."""
    try:
        yield
    except OSError as error:
        raise TrainingError(f"{error.filename or path} cannot be read ({error.strerror or error}).") from error
