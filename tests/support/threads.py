"""Run code under test in several threads at once, each with its own database connections."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from django.db import connections

from tests.support.waiting import DEADLINE

Result = TypeVar("Result")


class InThread(threading.Thread, Generic[Result]):
    """A function that runs in a thread. `result()` waits for it, and returns or raises what it did."""

    def __init__(self, function: Callable[[], Result]) -> None:
        super().__init__(daemon=True)
        self._function = function
        self._error: BaseException | None = None
        self._result: Result

    def run(self) -> None:
        try:
            self._result = self._function()
        except BaseException as error:  # `result()` raises it in the caller's thread
            self._error = error
        finally:
            connections.close_all()

    def result(self) -> Result:
        self.join(DEADLINE)
        assert not self.is_alive(), "The thread hangs."
        if self._error:
            raise self._error
        return self._result


def in_thread(function: Callable[[], Result]) -> InThread[Result]:
    thread = InThread(function)
    thread.start()
    return thread


def at_once(function: Callable[[], Result], times: int = 2) -> list[Result]:
    """Call the function in several threads that start together."""
    together = threading.Barrier(times)

    def started_together() -> Result:
        together.wait(DEADLINE)
        return function()

    return [thread.result() for thread in [in_thread(started_together) for _ in range(times)]]
