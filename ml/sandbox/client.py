"""Starts the sandbox when it is first asked, and again when it has died."""

import os
import socket
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ml.errors import DecoderUnavailable, InvalidImage
from ml.photo import PhotoLimits
from ml.sandbox.messages import Unfinished, receive, send

PROJECT = Path(__file__).resolve().parents[2]
# Of this process's environment, no more: there are secrets in it.
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
STARTED, BUSY = b"+", b"!"
# Seconds for one photo, with those of the same process that go before it.
PATIENCE = 120

KILLED = (
    "Reading the photo takes more time or memory than any photo needs, or breaks the program that reads it."
    " Save it again as an ordinary JPEG."
)


class Sandbox:
    """One program that forks a process for each photo. Any number of threads may ask at once."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        os.register_at_fork(after_in_child=self._leave)

    def start(self) -> None:
        """Raises DecoderUnavailable."""
        with self._starting:
            if self._control is None:
                self._control = self._started()

    def ask(
        self, job: str, data: bytes, limits: PhotoLimits, options: dict[str, Any]
    ) -> tuple[dict[str, Any], bytearray]:
        """What the job says, and the bytes that it made.

        Raises InvalidImage with a sentence for the photo's owner, DecoderUnavailable when no process can be had.
        """
        for _ in range(2):  # the program may have died since the last photo
            ours, theirs = socket.socketpair()
            with ours:
                ours.settimeout(PATIENCE)
                with theirs:
                    self._hand_over(theirs)
                try:
                    send(ours, {"job": job, "limits": asdict(limits), "options": options}, data)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # what it sent before it ended is still to be read
                except TimeoutError as error:
                    raise DecoderUnavailable from error
                if answered := self._answer(ours, limits):
                    return answered
        raise DecoderUnavailable

    def _answer(self, ours: socket.socket, limits: PhotoLimits) -> tuple[dict[str, Any], bytearray] | None:
        """None when no process was started for the photo."""
        beginning = self._beginning(ours)
        if not beginning:
            return None
        if beginning != STARTED:
            raise DecoderUnavailable
        try:
            answer, body = receive(ours, 4 * limits.max_pixels)
        except TimeoutError as error:
            raise DecoderUnavailable from error
        except (Unfinished, ConnectionResetError, ValueError) as error:
            raise InvalidImage(KILLED) from error
        if refused := answer.get("refused"):
            raise InvalidImage(str(refused))
        return answer, body

    def _beginning(self, ours: socket.socket) -> bytes:
        """Empty when the program ended before it took the photo."""
        try:
            return ours.recv(1)
        except TimeoutError as error:
            raise DecoderUnavailable from error
        except ConnectionResetError:
            return b""

    def _hand_over(self, theirs: socket.socket) -> None:
        """Give the program the other end of a new pipe."""
        for _ in range(2):
            self.start()
            control = self._control
            try:
                if control:
                    socket.send_fds(control, [b"p"], [theirs.fileno()])
                    return
            except OSError:
                with self._starting:
                    if self._control is control:
                        self._abandon()
        raise DecoderUnavailable

    def _started(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-W", "ignore", "-m", "ml.sandbox"],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    cwd=PROJECT,
                    env=environment | {"OPENBLAS_NUM_THREADS": "1"},  # a fork keeps no threads
                    start_new_session=True,  # Ctrl-C is for those that ask; the program ends with them
                )
            except OSError as error:
                ours.close()
                raise DecoderUnavailable from error
        return ours

    def _abandon(self) -> None:
        """Have the next photo start another program."""
        if self._control:
            self._control.close()
            self._control = None
        if self._process:
            self._process.kill()
            self._process.wait()

    def _leave(self) -> None:
        """In a forked process: the program is that of its parent."""
        if self._control:
            self._control.close()
        self._starting, self._control, self._process = threading.Lock(), None, None
