"""What a command line's output needs. Python's own library only."""

import io
import signal
import sys


def prepare_output() -> None:
    """Let whoever reads the output stop, as `head` does, and print names of files that are not text."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
