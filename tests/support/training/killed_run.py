"""Train until the process is killed in the middle of its third epoch.

Usage: python -m tests.support.training.killed_run CSV RUN [both]
"""

import os
import signal
import sys
from pathlib import Path

from ml.types import FaceInputs
from tests.support.training import tiny
from training.__main__ import main
from training.fit.batches import FaceBatches, Targets, Weights

tiny.register()
give_batch = FaceBatches.__getitem__


def give_batch_or_die(batches: FaceBatches, index: int) -> tuple[FaceInputs, Targets, Weights]:
    log = Path(sys.argv[2]) / "log.csv"
    if batches.phase and index == 3 and log.exists() and len(log.read_text().splitlines()) == 1 + 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return give_batch(batches, index)


FaceBatches.__getitem__ = give_batch_or_die  # type: ignore[method-assign]
arguments_of = tiny.train_both_arguments if sys.argv[3:] == ["both"] else tiny.train_arguments
main(arguments_of(Path(sys.argv[1]), Path(sys.argv[2])))
