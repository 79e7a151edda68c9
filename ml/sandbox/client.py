"""Starts the sandbox when it is first asked, and again when it has died."""

import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ml.errors import DecoderKilled, DecoderUnavailable, InvalidImage
from ml.photo import PhotoLimits
from ml.sandbox.messages import Unfinished, receive, send

PROJECT = Path(__file__).resolve().parents[2]
# Of this process's environment, no more: there are secrets in it.
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
STARTED, BUSY = b"+", b"!"
# Seconds for one photo, with those of the same process that go before it.
PATIENCE = 120
# How a photo ends its decoder: without a signal, by the limit of processor time, or by what breaks or aborts a program.
# Other signals come from outside.
BY_THE_PHOTO = {
    0,
    *(signal.SIGXCPU, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT),
    *(signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS),
}

KILLED = (
    "Reading the photo takes more time or memory than any photo needs, or breaks the program that reads it."
    " Save it again as an ordinary JPEG."
)


class _NotTaken(Exception):
    """The program ended before it started a process for the photo."""


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

        Raises InvalidImage with a sentence for the photo's owner, DecoderUnavailable when no process can be had, and
        DecoderKilled when a second one is killed from outside.
        """
        failure = DecoderUnavailable()
        for _ in range(2):  # the program may have died since the last photo
            try:
                return self._ask_once(job, data, limits, options)
            except DecoderKilled as error:
                failure = error
            except _NotTaken:
                pass
        raise failure

    def _ask_once(
        self, job: str, data: bytes, limits: PhotoLimits, options: dict[str, Any]
    ) -> tuple[dict[str, Any], bytearray]:
        ours, theirs = socket.socketpair()
        ending, reporting = socket.socketpair()
        with ours, ending:
            for each in (ours, ending):
                each.settimeout(PATIENCE)
            with theirs, reporting:
                self._hand_over(theirs, reporting)
            try:
                send(ours, {"job": job, "limits": asdict(limits), "options": options}, data)
            except (BrokenPipeError, ConnectionResetError):
                pass  # what it sent before it ended is still to be read
            except TimeoutError as error:
                raise DecoderUnavailable from error
            return self._answer(ours, ending, limits)

    def _answer(
        self, ours: socket.socket, ending: socket.socket, limits: PhotoLimits
    ) -> tuple[dict[str, Any], bytearray]:
        beginning = self._beginning(ours)
        if not beginning:
            raise _NotTaken
        if beginning != STARTED:
            raise DecoderUnavailable
        try:
            answer, body = receive(ours, 4 * limits.max_pixels)
        except TimeoutError as error:
            raise DecoderUnavailable from error
        except (Unfinished, ConnectionResetError, ValueError) as error:
            if _was_killed_from_outside(ending):
                raise DecoderKilled from error
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

    def _hand_over(self, *theirs: socket.socket) -> None:
        """Give the program the other ends of new pipes."""
        for _ in range(2):
            self.start()
            control = self._control
            try:
                if control:
                    socket.send_fds(control, [b"p"], [each.fileno() for each in theirs])
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


def _was_killed_from_outside(ending: socket.socket) -> bool:
    """Whether neither the process that left its answer unfinished is to blame for that, nor its photo."""
    try:
        ended_by = ending.recv(1)
    except OSError:
        return True
    return not ended_by or ended_by[0] not in BY_THE_PHOTO  # nothing is said when the program was killed too
