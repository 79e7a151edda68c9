"""Trains the runs of a plan one after the other, beside whatever else the machine does."""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from training.errors import TrainingError
from training.fit.checkpoint import restore_run
from training.fit.planned_run import PlannedRun

LOG_FILE = "plan.log"
LOCK_FILE = "plan.lock"
SET_PARENT_DEATH_SIGNAL: Final = 1  # an option of Linux's prctl


def run_plan(plan: Sequence[PlannedRun], runs: Path, checkpoints: Path, data_arguments: Sequence[str]) -> None:
    """Train the runs that are not finished yet, each in a process of its own so that its memory is freed.

    A run without a folder goes on from the checkpoint of its name below `checkpoints`, if there is one.

    The output of the trainings goes, with the time, to the screen and to LOG_FILE below `runs`. Raises TrainingError
    if another plan is running in that folder, or at the first run that fails, because later runs often build on it.
    """
    runs.mkdir(parents=True, exist_ok=True)
    with _hold_lock(runs / LOCK_FILE) as lock, (runs / LOG_FILE).open("a", encoding="utf-8") as log:
        for number, run in enumerate(plan, start=1):
            title = f"Run {number} of {len(plan)}, {run.name}"
            if not run.folder.exists() and (checkpoints / run.name).is_dir():
                restore_run(checkpoints / run.name, run.folder)
                _log(f"{title}: goes on from its checkpoint.", log)
            if run.is_finished():
                _log(f"{title}: its {run.config.epochs} epochs are done.", log)
                continue
            _log(f"{title}: begins after {run.epochs_done()} of {run.config.epochs} epochs.", log)
            arguments = ["train", *run.arguments, *data_arguments, "--run", str(run.folder)]
            if code := _train(arguments, lock, log):
                _log(f"{title}: failed with exit code {code}, and the plan stops.", log)
                raise TrainingError(
                    f"The run {run.name} failed; {runs / LOG_FILE} says why. Fix that, and give the same command again."
                )
        _log("All runs of the plan are finished.", log)


def yield_to_others() -> None:
    """Give this process and those that it starts the lowest priority, so that they run when nothing else wants to."""
    os.nice(19)
    if hasattr(os, "SCHED_IDLE"):  # on Linux, where it also lowers the priority of reading and writing
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _train(arguments: list[str], lock: int, log: IO[str]) -> int:
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "training", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=[lock],
        preexec_fn=_die_with_parent,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as training:
        assert training.stdout is not None  # noqa: S101
        for line in training.stdout:
            _log(line.rstrip(), log)
    return training.returncode


def _die_with_parent() -> None:
    """Make the training end with the plan, so that a killed plan leaves nothing running unseen."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _log(line: str, log: IO[str]) -> None:
    timed = f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {line}\n"
    for stream in (log, sys.stdout):
        stream.write(timed)
        stream.flush()


@contextmanager
def _hold_lock(file: Path) -> Iterator[int]:
    """Hold the file's lock and yield its descriptor; a training that outlives its plan holds the lock too.

    Raises TrainingError if the lock is held already.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise TrainingError(
            f"A plan is running in {file.parent} already. Wait for it, stop it, or name another folder with --runs."
        ) from None
    else:
        yield descriptor
    finally:
        os.close(descriptor)
