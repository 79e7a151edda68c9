"""Sends and receives the sandbox's messages: a length, a header as JSON, and as many bytes as the header says."""

import json
import socket
from typing import Any

LENGTH_BYTES = 4
MAX_HEADER_BYTES = 100_000
Buffer = bytes | bytearray | memoryview


class Unfinished(EOFError):
    """The other side ended in the middle of a message, or sent something else."""


def send(to: socket.socket, header: dict[str, Any], body: Buffer = b"") -> None:
    """Send a message."""
    head = json.dumps(header | {"bytes": len(body)}).encode()
    to.sendall(len(head).to_bytes(LENGTH_BYTES) + head)
    if body:
        to.sendall(body)


def receive(source: socket.socket, max_bytes: int) -> tuple[dict[str, Any], bytearray]:
    """Receive a message. Raises Unfinished, also for a body of more than `max_bytes`."""
    length = int.from_bytes(receive_exactly(source, LENGTH_BYTES))
    if length > MAX_HEADER_BYTES:
        raise Unfinished
    header: dict[str, Any] = json.loads(receive_exactly(source, length))
    size = header.pop("bytes", -1)
    if not isinstance(size, int) or not 0 <= size <= max_bytes:
        raise Unfinished
    return header, receive_exactly(source, size)


def receive_exactly(source: socket.socket, count: int) -> bytearray:
    """Receive this many bytes. Raises Unfinished if the other side ends before."""
    received = bytearray(count)
    view, missing = memoryview(received), count
    while missing:
        got = source.recv_into(view[count - missing :])
        if not got:
            raise Unfinished
        missing -= got
    return received
