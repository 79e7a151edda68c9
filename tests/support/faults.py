"""Cause faults on the machines of a deployment."""

import os
import random
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path

from tests.support.deployment import Deployment, Program
from tests.support.servers import missing
from tests.support.threads import in_thread

CONTROL_GROUPS = Path("/sys/fs/cgroup")


@contextmanager
def happening(*faults: Callable[[], object], progress: Callable[[], float], step: float) -> Iterator[None]:
    """Cause the faults in turn, again and again, while the block runs: each after `step` more progress.

    A slow machine therefore has the time that it needs between two faults.
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


class Starved:
    """A control group with next to no memory: the kernel kills a process in it that asks for more.

    The memory that a process already has is not counted; every further page is.
    """

    LIMIT = 65_536  # bytes

    def __init__(self, folder: Path, events: str) -> None:
        self._folder, self._events = folder, events

    def add(self, pid: int) -> None:
        (self._folder / "cgroup.procs").write_text(str(pid))

    @property
    def kills(self) -> int:
        """Return how many processes the kernel has killed for lack of memory."""
        lines = (self._folder / self._events).read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))

    def remove(self) -> None:
        """Move the survivors out, and remove the group."""
        for pid in (self._folder / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                (self._folder.parent / "cgroup.procs").write_text(pid)
        self._folder.rmdir()


@contextmanager
def no_memory() -> Iterator[Starved]:
    """Make a control group without memory. The user who runs the test must have the right to make one."""
    parent, limit, events = CONTROL_GROUPS, "memory.max", "memory.events"
    if (CONTROL_GROUPS / "memory").is_dir():  # cgroups version 1
        parent, limit, events = CONTROL_GROUPS / "memory", "memory.limit_in_bytes", "memory.oom_control"
    folder = parent / f"rapport-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / limit).write_text(str(Starved.LIMIT))
    except OSError as error:
        missing(f"A control group without memory cannot be made: {error}")
    starved = Starved(folder, events)
    try:
        yield starved
    finally:
        starved.remove()


class Crew:
    """Several workers with one analysing process each. A lost worker is replaced, as by a supervisor."""

    def __init__(self, deployment: Deployment, size: int, seed: int = 0) -> None:
        self._deployment = deployment
        self._chance = random.Random(seed)  # noqa: S311
        self._workers = [deployment.worker() for _ in range(size)]

    def kill_a_process(self) -> None:
        """Kill an analysing process, as the kernel does when memory runs out. Its worker replaces it."""
        self._kill_a_child(self._one())

    def kill_a_web(self) -> None:
        """Kill a web process. gunicorn replaces it."""
        self._kill_a_child(self._deployment.gunicorn)

    def kill_a_worker(self) -> None:
        self._replace(Program.kill)

    def terminate_a_worker(self) -> None:
        """Terminate a worker. It finishes its photo while its replacement already works."""
        self._replace(Program.terminate)

    def starve_a_process(self, starved: Starved) -> None:
        """Let the kernel kill an analysing process. Its worker replaces it."""
        self._to_a_child(self._one(), starved.add)

    def starve_a_worker(self, starved: Starved) -> None:
        """Let the kernel kill a worker's main process. An analysis that is under way goes on."""

        def starve(worker: Program) -> None:
            starved.add(worker.pid)
            worker.wait()

        self._replace(starve)

    def _kill_a_child(self, program: Program) -> None:
        self._to_a_child(program, lambda pid: os.kill(pid, signal.SIGKILL))

    def _to_a_child(self, program: Program, happen: Callable[[int], None]) -> None:
        if pids := program.children():
            with suppress(ProcessLookupError):  # the process may have just ended by itself
                happen(self._chance.choice(pids))

    def _one(self) -> Program:
        return self._chance.choice(self._workers)

    def _replace(self, end: Callable[[Program], None]) -> None:
        leaving = self._one()
        end(leaving)
        self._workers[self._workers.index(leaving)] = self._deployment.worker()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mount a small disk at the folder. The user who runs the test must have the right to mount one."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        missing(f"A disk that runs full cannot be mounted: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Fill the folder's disk to the last byte while the block runs."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        filler.unlink()
