"""What the operating system allows a process that decodes a photo."""

import resource
from contextlib import suppress
from pathlib import Path

from ml.photo import PhotoLimits

# The file-backed half of the programs and libraries, which takes addresses rather than memory.
ADDRESSES_BESIDE_MEMORY = 1024 * 1024 * 1024
# Written by the kernel's rule that the process of the highest number is killed first when memory runs out.
KILLED_FIRST = "1000"


def confine(limits: PhotoLimits) -> None:
    """For the rest of this process: memory, processor, no files written, no more of them opened than it needs."""
    _limit(
        resource.RLIMIT_CPU, limits.seconds, limits.seconds + 1
    )  # by SIGXCPU; the system sends SIGKILL at the latter
    _limit(resource.RLIMIT_DATA, limits.memory)
    _limit(resource.RLIMIT_AS, limits.memory + ADDRESSES_BESIDE_MEMORY)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)


def be_killed_first() -> None:
    with suppress(OSError):  # only Linux has it
        Path("/proc/self/oom_score_adj").write_text(KILLED_FIRST)


def _limit(kind: int, most: int, hard: int | None = None) -> None:
    with suppress(ValueError, OSError):  # where the system knows no such limit, or has a lower one
        resource.setrlimit(kind, (most, most if hard is None else hard))
