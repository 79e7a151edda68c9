"""The sandbox's program: `python -m ml.sandbox`, with a socket as its standard input.

Through it come two sockets for each photo. The program forks a process, which answers one request at the first and
ends; at the second, the program says which signal ended it. The program itself reads nothing of a photo;
it ends with the process that started it.
"""

import gc
import os
import select
import signal
import socket
import traceback
from contextlib import suppress

from ml.photo import PhotoLimits
from ml.sandbox.client import BUSY, STARTED
from ml.sandbox.confinement import be_killed_first, confine
from ml.sandbox.jobs import do
from ml.sandbox.messages import receive, send

Running = dict[int, socket.socket]  # processes, and where to say what ended them


def serve(control: socket.socket) -> None:
    running: Running = {}
    child_ended = _woken_by(signal.SIGCHLD)
    while True:
        ready, _, _ = select.select([control, child_ended], [], [])
        if child_ended in ready:
            child_ended.recv(4096)
            _report_ended(running)
        if control in ready:
            _, descriptors, _, _ = socket.recv_fds(control, 1, 2)
            if len(descriptors) != 2:
                return
            asked, ending = (socket.socket(fileno=descriptor) for descriptor in descriptors)
            with asked:
                _start(asked, ending, running, (control, child_ended))


def _start(
    asked: socket.socket, ending: socket.socket, running: Running, of_the_program: tuple[socket.socket, ...]
) -> None:
    try:
        forked = os.fork()
    except OSError:  # no process left
        asked.sendall(BUSY)
        ending.close()
        return
    if forked:
        running[forked] = ending
        return
    for others in (*of_the_program, ending, *running.values()):
        others.close()
    _answer(asked)


def _answer(asked: socket.socket) -> None:
    """In the forked process, which ends here."""
    try:
        signal.set_wakeup_fd(-1)
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


def _woken_by(number: signal.Signals) -> socket.socket:
    """Return a socket that can be read once the signal has come."""
    woken, waking = socket.socketpair()
    waking.setblocking(False)
    signal.set_wakeup_fd(waking.detach(), warn_on_full_buffer=False)
    signal.signal(number, lambda *_: None)
    return woken


def _report_ended(running: Running) -> None:
    with suppress(ChildProcessError):  # none is left
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            process, status = ended
            with running.pop(process) as ending, suppress(OSError):  # whoever asked has gone
                ending.sendall(bytes([os.WTERMSIG(status)]))  # 0 for none


if __name__ == "__main__":
    be_killed_first()
    gc.freeze()  # forked processes share what is there, and collect what they make
    serve(socket.socket(fileno=0))
