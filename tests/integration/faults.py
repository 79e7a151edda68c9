"""What goes wrong on the machines of a deployment."""

import os
import random
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path

import pytest

from tests.integration.deployment import Deployment, Program
from tests.threads import in_thread


@contextmanager
def happening(*faults: Callable[[], object], progress: Callable[[], float], step: float) -> Iterator[None]:
    """While the block runs, one fault after another, and again from the first: each when there was so much progress.

    So a slow machine has as much time between two faults as it needs.
    """
    over = threading.Event()

    def happen() -> None:
        for fault in cycle(faults):
            goal = progress() + step
            while progress() < goal:
                if over.wait(0.1):
                    return
            fault()

    thread = in_thread(happen)
    try:
        yield
    finally:
        over.set()
        thread.result()


class Crew:
    """Several workers, each of one process that analyses. Whoever is lost is replaced, as by a supervisor."""

    def __init__(self, deployment: Deployment, size: int, seed: int = 0) -> None:
        self._deployment = deployment
        self._chance = random.Random(seed)  # noqa: S311
        self._workers = [deployment.worker() for _ in range(size)]

    def kill_a_process(self) -> None:
        """As the kernel does to one that is out of memory. Its worker makes another."""
        self._kill_a_child(self._one())

    def kill_a_web(self) -> None:
        """gunicorn makes another."""
        self._kill_a_child(self._deployment.gunicorn)

    def kill_a_worker(self) -> None:
        self._replace(Program.kill)

    def terminate_a_worker(self) -> None:
        """It ends its photo first, beside the new one."""
        self._replace(Program.terminate)

    def _kill_a_child(self, program: Program) -> None:
        if pids := program.children():
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(self._chance.choice(pids), signal.SIGKILL)

    def _one(self) -> Program:
        return self._chance.choice(self._workers)

    def _replace(self, end: Callable[[Program], None]) -> None:
        leaving = self._one()
        end(leaving)
        self._workers[self._workers.index(leaving)] = self._deployment.worker()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own for the folder. Without the right to mount one the test is skipped, but fails in CI."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        missing = f"A disk that runs full cannot be mounted: {mounted.stderr.strip()}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """While the block runs, the folder's disk has no room for another byte."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        filler.unlink()
