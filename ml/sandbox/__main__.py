"""The sandbox's program: `python -m ml.sandbox`, with a socket as its standard input.

For each socket that comes through it, it forks a process, which answers one request there and ends. The program itself
reads nothing of a photo; it ends with the process that started it.
"""

import gc
import os
import signal
import socket
import traceback

from ml.photo import PhotoLimits
from ml.sandbox.client import BUSY, STARTED
from ml.sandbox.confinement import be_killed_first, confine
from ml.sandbox.jobs import do
from ml.sandbox.messages import receive, send


def serve(control: socket.socket) -> None:
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not descriptors:
            return
        with socket.socket(fileno=descriptors[0]) as asked:
            try:
                forked = os.fork()
            except OSError:  # no process left
                asked.sendall(BUSY)
                continue
            if not forked:
                _answer(asked, control)


def _answer(asked: socket.socket, control: socket.socket) -> None:
    """In the forked process, which ends here."""
    try:
        control.close()
        gc.disable()  # it would touch pages that are shared so far
        asked.sendall(STARTED)
        request, data = receive(asked, 2**40)
        limits = PhotoLimits(**request["limits"])
        confine(limits)
        send(asked, *do(request["job"], bytes(data), limits, request["options"]))
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system forgets each process that has ended
    be_killed_first()
    gc.freeze()  # forked processes share what is there, and collect what they make
    serve(socket.socket(fileno=0))
