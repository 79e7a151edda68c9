"""Read and merge the files in which the processes of one machine or container count."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

ENDED = "0"  # This process ID stands for all processes that have ended.


class CountedHere(Collector):
    """Collect everything that was counted in a folder. One file of each kind holds the counts of ended processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        with _alone(self._folder):
            fold(self._folder)
            return list(MultiProcessCollector(None, str(self._folder)).collect())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Make other readers of the folder wait, so that nothing is counted twice or left out."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)  # Closing is not enough if a forked process holds the file too.


def fold(folder: Path) -> None:
    """Merge the files of ended processes, which would pile up. Keep their counts, because a count must not fall."""
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
