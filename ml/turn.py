"""One at a time, of threads and of the processes that were forked since."""

import fcntl
import tempfile
import threading


class Turn:
    """To be used as a context manager. The turn of a process that is killed ends with it."""

    def __init__(self) -> None:
        self._of_threads = threading.Lock()
        self._of_processes = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process

    def __enter__(self) -> None:
        self._of_threads.acquire()
        fcntl.lockf(self._of_processes, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.lockf(self._of_processes, fcntl.LOCK_UN)
        self._of_threads.release()
