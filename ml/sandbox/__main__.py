"""The sandbox's program: `python -m ml.sandbox`, with a socket as its standard input.

Two sockets come through it for each photo. The program forks a process, which answers one request on the first socket
and ends. On the second, the program says which signal ended that process. The program itself reads nothing of a photo,
and ends with the process that started it.
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
from ml.sandbox.jobs import run_job
from ml.sandbox.messages import receive, send

Running = dict[int, socket.socket]  # by process: where to say what ended it


def serve(control: socket.socket) -> None:
    """Start a process for each photo, and report how processes ended, until the other side closes."""
    running: Running = {}
    child_ended = _socket_for_signal(signal.SIGCHLD)
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
    except OSError:  # no more processes can be had
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
    """Answer one request in the forked process, which ends here."""
    try:
        signal.set_wakeup_fd(-1)
        gc.disable()  # a collection would touch pages that are still shared
        asked.sendall(STARTED)
        request, data = receive(asked, 2**40)
        limits = PhotoLimits(**request["limits"])
        confine(limits)
        send(asked, *run_job(request["job"], bytes(data), limits, request["options"]))
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(0)


def _socket_for_signal(number: signal.Signals) -> socket.socket:
    """Return a socket that can be read once the signal has come."""
    woken, waking = socket.socketpair()
    waking.setblocking(False)
    signal.set_wakeup_fd(waking.detach(), warn_on_full_buffer=False)
    signal.signal(number, lambda *_: None)
    return woken


def _report_ended(running: Running) -> None:
    with suppress(ChildProcessError):  # no process is left
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            process, status = ended
            with running.pop(process) as ending, suppress(OSError):  # the process that asked may be gone
                ending.sendall(bytes([os.WTERMSIG(status)]))  # 0 if no signal ended it


if __name__ == "__main__":
    be_killed_first()
    gc.freeze()  # forked processes share what exists now, and only collect what they make
    serve(socket.socket(fileno=0))
