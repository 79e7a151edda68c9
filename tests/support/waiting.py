"""Wait for what other processes do."""

import time
from collections.abc import Callable

DEADLINE = 120.0  # seconds; only a broken program or a hung machine reaches it


def wait_until(condition: Callable[[], object], what: str, timeout: float = DEADLINE) -> None:
    """Return as soon as the condition holds. Fail if it does not hold in time."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"Waited {timeout:.0f} seconds in vain until {what}.")
        time.sleep(0.05)
