"""Starts the sandbox for the first photo, and again when it has died."""

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
# Nothing else of this process's environment is passed on, because there are secrets in it.
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")
STARTED, BUSY = b"+", b"!"
# Seconds for one photo, with the photos of the same process that wait before it.
PATIENCE = 120
# The ways in which a photo ends its decoder: without a signal, by the limit of processor time, or by a signal that
# breaks or aborts a program. Other signals come from outside.
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
        os.register_at_fork(after_in_child=self._forget_program)

    def start(self) -> None:
        """Start the program if it is not running. Raises DecoderUnavailable."""
        with self._starting:
            if self._control is None:
                self._control = self._launch()

    def ask(
        self, job: str, data: bytes, limits: PhotoLimits, options: dict[str, Any]
    ) -> tuple[dict[str, Any], bytearray]:
        """Return the answer to a job, and the bytes that it made.

        Raises InvalidImage with a sentence for the photo's owner, DecoderUnavailable if no process can be had, and
        DecoderKilled if a second process is killed from outside.
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
                pass  # what the process sent before it ended can still be read
            except TimeoutError as error:
                raise DecoderUnavailable from error
            return self._answer(ours, ending, limits)

    def _answer(
        self, ours: socket.socket, ending: socket.socket, limits: PhotoLimits
    ) -> tuple[dict[str, Any], bytearray]:
        beginning = self._read_first_byte(ours)
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

    def _read_first_byte(self, ours: socket.socket) -> bytes:
        """Return the first byte of the answer; empty when the program ended before it took the photo."""
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

    def _launch(self) -> socket.socket:
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
                    start_new_session=True,  # Ctrl-C is meant for the process that asks; the program ends with it
                )
            except OSError as error:
                ours.close()
                raise DecoderUnavailable from error
        return ours

    def _abandon(self) -> None:
        """Give up this program, so that the next photo starts another."""
        if self._control:
            self._control.close()
            self._control = None
        if self._process:
            self._process.kill()
            self._process.wait()

    def _forget_program(self) -> None:
        """Forget the program in a forked process, because it belongs to the parent."""
        if self._control:
            self._control.close()
        self._starting, self._control, self._process = threading.Lock(), None, None


def _was_killed_from_outside(ending: socket.socket) -> bool:
    """Tell whether the process that left its answer unfinished was ended by something else than its photo."""
    try:
        ended_by = ending.recv(1)
    except OSError:
        return True
    return not ended_by or ended_by[0] not in BY_THE_PHOTO  # there is no answer when the program was killed too
