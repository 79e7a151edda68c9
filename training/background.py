"""Runs of a plan, one after the other, beside whatever else the machine does."""

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

from training.checkpoint import restore_run
from training.errors import TrainingError
from training.plan import PlannedRun

LOG_FILE = "plan.log"
LOCK_FILE = "plan.lock"
SET_PARENT_DEATH_SIGNAL: Final = 1  # of Linux's prctl


def work_off(plan: Sequence[PlannedRun], runs: Path, checkpoints: Path, data_arguments: Sequence[str]) -> None:
    """Train what is not finished yet, each run in a process of its own so that its memory is freed.

    A run without a folder goes on from the checkpoint of its name below `checkpoints`, if there is one.

    What the trainings say goes, with the time, to the screen and to LOG_FILE below `runs`. Raises TrainingError
    if another plan is being worked off there, or at the first run that fails: later ones often build on it.
    """
    runs.mkdir(parents=True, exist_ok=True)
    with _only_one(runs / LOCK_FILE) as lock, (runs / LOG_FILE).open("a", encoding="utf-8") as log:
        for number, run in enumerate(plan, start=1):
            title = f"Run {number} of {len(plan)}, {run.name}"
            if not run.folder.exists() and (checkpoints / run.name).is_dir():
                restore_run(checkpoints / run.name, run.folder)
                _tell(f"{title}: goes on from its checkpoint.", log)
            if run.is_finished():
                _tell(f"{title}: its {run.config.epochs} epochs are done.", log)
                continue
            _tell(f"{title}: begins after {run.epochs_done()} of {run.config.epochs} epochs.", log)
            arguments = ["train", *run.arguments, *data_arguments, "--run", str(run.folder)]
            if code := _train(arguments, lock, log):
                _tell(f"{title}: failed with exit code {code}, and the plan stops.", log)
                raise TrainingError(
                    f"The run {run.name} failed; {runs / LOG_FILE} says why. Mend that and give the same command again."
                )
        _tell("The plan is worked off.", log)


def yield_to_others() -> None:
    """Give this process, and those that it starts, the lowest priority: it runs when nothing else wants to."""
    os.nice(19)
    if hasattr(os, "SCHED_IDLE"):  # on Linux, where the priority of reading and writing follows
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
            _tell(line.rstrip(), log)
    return training.returncode


def _die_with_parent() -> None:
    """Let a plan that is killed leave no training behind that goes on unseen."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _tell(line: str, log: IO[str]) -> None:
    timed = f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {line}\n"
    for stream in (log, sys.stdout):
        stream.write(timed)
        stream.flush()


@contextmanager
def _only_one(file: Path) -> Iterator[int]:
    """Hold the file's lock, which a training that outlives its plan holds too. Raises TrainingError if it is held."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise TrainingError(
            f"A plan is being worked off in {file.parent} already. Wait for it, stop it, or name another folder with"
            " --runs."
        ) from None
    else:
        yield descriptor
    finally:
        os.close(descriptor)
