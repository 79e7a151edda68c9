"""Prepares the output of a command line. Uses Python's own library only."""

import io
import signal
import sys


def prepare_output() -> None:
    """Let a reader such as `head` stop early, and print file names that are not valid text."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
