"""Limits what the operating system allows a process that decodes a photo."""

import resource
from contextlib import suppress
from pathlib import Path

from ml.photo import PhotoLimits

# Programs and libraries are mapped from files, which takes addresses rather than memory.
ADDRESSES_BESIDE_MEMORY = 1024 * 1024 * 1024
# When memory runs out, Linux first kills the process with the highest number; this is the highest.
KILLED_FIRST = "1000"


def confine(limits: PhotoLimits) -> None:
    """Limit memory and processor time for the rest of this process, and forbid it to write files."""
    # SIGXCPU comes after `seconds`, and SIGKILL a second later.
    _limit(resource.RLIMIT_CPU, limits.seconds, limits.seconds + 1)
    _limit(resource.RLIMIT_DATA, limits.memory)
    _limit(resource.RLIMIT_AS, limits.memory + ADDRESSES_BESIDE_MEMORY)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)


def be_killed_first() -> None:
    """Let Linux kill this process first when memory runs out."""
    with suppress(OSError):  # only Linux has it
        Path("/proc/self/oom_score_adj").write_text(KILLED_FIRST)


def _limit(kind: int, most: int, hard: int | None = None) -> None:
    with suppress(ValueError, OSError):  # the system may not know this limit, or have a lower one
        resource.setrlimit(kind, (most, most if hard is None else hard))
