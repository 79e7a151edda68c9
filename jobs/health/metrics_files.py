"""The files in which the processes of one machine or container count."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

ENDED = "0"  # stands for every process that has ended


class CountedHere(Collector):
    """Everything that was counted in a folder. One file of each kind stands for all processes that have ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        with _alone(self._folder):
            fold(self._folder)
            return list(MultiProcessCollector(None, str(self._folder)).collect())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Others who want to read or fold the files wait, so that nothing is counted twice or not at all."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # closing would not do: a process forked meanwhile has the file open too


def fold(folder: Path) -> None:
    """Add up the files of ended processes, which would pile up; a count must not fall when a process ends."""
    for file in folder.glob("*_*.db"):
        kind, _, pid = file.stem.partition("_")
        if pid != ENDED and not Path(f"/proc/{pid}").exists():
            _add(file, folder / f"{kind}_{ENDED}.db")
            file.unlink()


def _add(file: Path, to: Path) -> None:
    total = MmapedDict(os.fspath(to))
    for key, value, timestamp, _ in MmapedDict.read_all_values_from_file(os.fspath(file)):
        total.write_value(key, total.read_value(key)[0] + value, timestamp)
    total.close()
