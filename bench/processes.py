"""Read how much memory and processor time processes of Linux use."""

import os
from pathlib import Path


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def parent(pid: int) -> int:
    return int(_statistics(pid)[1])


def processor_seconds(pid: int) -> float:
    """Return the seconds of processor time that the process has used so far, including time in the kernel."""
    return sum(map(int, _statistics(pid)[11:13])) / os.sysconf("SC_CLK_TCK")


def family_processor_seconds(pid: int) -> float:
    """Return the seconds of the process and of every process that it started, even if that has ended."""
    ended = sum(map(int, _statistics(pid)[13:15])) / os.sysconf("SC_CLK_TCK")
    return processor_seconds(pid) + ended + sum(map(family_processor_seconds, children(pid)))


def _statistics(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on, which is the state; see proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def peak_megabytes(pid: int) -> float:
    """Return the most megabytes that the process had in memory at once, shared pages included."""
    return _megabytes(Path(f"/proc/{pid}/status"), "VmHWM:")


def share_megabytes(pid: int) -> float:
    """Return the megabytes of its own pages and its part of the shared ones, which add up over processes."""
    return _megabytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")


def _megabytes(file: Path, name: str) -> float:
    return next(int(line.split()[1]) / 1024 for line in file.read_text().splitlines() if line.startswith(name))
