"""Find addresses for servers that tests start, however many tests run at once."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_port() -> Iterator[int]:
    """Yield a port of 127.0.0.1 that the system gives to nobody else until the block ends.

    The port stays bound and refuses connections until a server listens on it. The server must reuse addresses.
    The server may stop and start again: nobody takes its port meanwhile.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nothing listens on now; another program may take them meanwhile."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports
