"""Addresses for servers that tests start, however many tests run at once."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_port() -> Iterator[int]:
    """A port of 127.0.0.1 that the system gives nobody else until the block ends.

    It stays bound and refuses connections until a server listens on it, which must reuse addresses, as nearly all do.
    The server may stop and start again: nobody takes its port meanwhile.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
