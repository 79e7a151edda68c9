"""Lets one thread at a time do something, in this process and in those that are forked from it."""

import fcntl
import tempfile
import threading


class Turn:
    """A lock between threads and processes, used as a context manager. A killed process gives its turn back."""

    def __init__(self) -> None:
        self._of_threads = threading.Lock()
        self._of_processes = tempfile.TemporaryFile()  # noqa: SIM115 - kept as long as the process

    def __enter__(self) -> None:
        self._of_threads.acquire()
        fcntl.lockf(self._of_processes, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.lockf(self._of_processes, fcntl.LOCK_UN)
        self._of_threads.release()
