"""Provide a network between a program and its server that a test may break."""

import socket
from contextlib import suppress
from threading import Event, Thread
from urllib.parse import urlsplit


class Proxy:
    """A proxy that forwards connections to a server at 127.0.0.1."""

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lost = Event()
        self._sockets: list[socket.socket] = []
        Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return self._server._replace(netloc=f"127.0.0.1:{self._listener.getsockname()[1]}").geturl()

    def lose_connections(self) -> None:
        """Let existing connections carry nothing more, without telling either end. New ones work."""
        self._lost.set()
        self._lost = Event()

    def close(self) -> None:
        for each in (self._listener, *self._sockets):
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listening socket was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((self._server.hostname, self._server.port))
                self._sockets += [client, server]
                for ends in ((client, server), (server, client)):
                    Thread(target=self._carry, args=(*ends, self._lost), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, lost: Event) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if lost.is_set():
                    return
                target.sendall(data)
            if not lost.is_set():
                target.shutdown(socket.SHUT_WR)
