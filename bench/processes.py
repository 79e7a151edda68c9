"""What processes of Linux take in memory and compute."""

import os
from pathlib import Path


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def parent(pid: int) -> int:
    return int(_statistics(pid)[1])


def processor_seconds(pid: int) -> float:
    """What it has computed so far, for itself and in the system's kernel."""
    return sum(map(int, _statistics(pid)[11:13])) / os.sysconf("SC_CLK_TCK")


def family_processor_seconds(pid: int) -> float:
    """Its own, its children's, and those of its children that have ended."""
    ended = sum(map(int, _statistics(pid)[13:15])) / os.sysconf("SC_CLK_TCK")
    return ended + sum(map(processor_seconds, [pid, *children(pid)]))


def _statistics(pid: int) -> list[str]:
    """proc(5), from field 3 of stat: the state."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def peak_megabytes(pid: int) -> float:
    """The most that it had in memory at once, shared pages too."""
    return _megabytes(Path(f"/proc/{pid}/status"), "VmHWM:")


def share_megabytes(pid: int) -> float:
    """Its own pages, and of those that it shares its part: such shares add up to what the machine needs."""
    return _megabytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")


def _megabytes(file: Path, name: str) -> float:
    return next(int(line.split()[1]) / 1024 for line in file.read_text().splitlines() if line.startswith(name))
