"""What processes of Linux take in memory."""

from pathlib import Path


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def peak_megabytes(pid: int) -> float:
    """The most that it had in memory at once, shared pages too."""
    return _megabytes(Path(f"/proc/{pid}/status"), "VmHWM:")


def share_megabytes(pid: int) -> float:
    """Its own pages, and of those that it shares its part: such shares add up to what the machine needs."""
    return _megabytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")


def _megabytes(file: Path, name: str) -> float:
    return next(int(line.split()[1]) / 1024 for line in file.read_text().splitlines() if line.startswith(name))
