"""Train on a disk that is full when FILE of the second epoch is written.

Usage: python -m tests.support.training.full_disk_run CSV RUN FILE
"""

import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.training import tiny
from tests.support.training.disk import full_disk
from training.__main__ import main
from training.fit.recorder import RunRecorder

ROOM = 10_000  # bytes, which is less than the file needs

tiny.register()
replace, improved = RunRecorder._replace, RunRecorder.on_epoch_end


def replace_on_a_full_disk(recorder: RunRecorder, name: str, write: Callable[[Path], object]) -> None:
    if name != sys.argv[3] or not (recorder.run / name).exists():
        return replace(recorder, name, write)
    with full_disk(ROOM):
        return replace(recorder, name, write)


def improve(recorder: RunRecorder, epoch: int, logs: dict[str, float] | None = None) -> None:
    """Make each epoch the best so far, so that each writes both files."""
    improved(recorder, epoch, (logs or {}) | {"val_accuracy": epoch / 10})


RunRecorder._replace = replace_on_a_full_disk  # type: ignore[assignment,method-assign]
RunRecorder.on_epoch_end = improve  # type: ignore[assignment,method-assign]
sys.exit(main(tiny.train_arguments(Path(sys.argv[1]), Path(sys.argv[2]))))
