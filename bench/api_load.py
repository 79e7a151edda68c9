"""Run a server as in production, and send it requests at a fixed rate, whether or not it keeps up."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from bench.api_requests import Request
from bench.processes import children, peak_megabytes, processor_seconds

CONNECTIONS = 12
KEEP_ALIVE = 60  # seconds; connections of a proxy in front stay open
PREFIX = "/api/v1/"


class RequestFailed(Exception):
    """Report that the server refused a request, so its time means nothing."""


class Server:
    """gunicorn with its worker processes."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self._pid = pid

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def processor_seconds(self) -> dict[int, float]:
        """Return the processor time so far of each process of the server, and of the database if it runs here."""
        database = connection.settings_dict["HOST"]
        local = not database or database.startswith("/") or database in ("localhost", "127.0.0.1")
        return {pid: processor_seconds(pid) for pid in children(self._pid) + (_backends() if local else [])}

    def peak_megabytes(self) -> float:
        """Return the peak memory of the largest process."""
        return max(peak_megabytes(pid) for pid in [self._pid, *children(self._pid)])


class Client:
    """Send requests over one connection that stays open."""

    def __init__(self, server: Server, key: str) -> None:
        self._connection = server.connect()
        self._headers = {"Authorization": f"Bearer {key}"}

    def send(self, request: Request, headers: Mapping[str, str] | None = None) -> bytes:
        """Send a request, and return the body of its answer. Raises RequestFailed."""
        sent = {**self._headers, **request.headers, **(headers or {})}
        self._connection.request(request.method, PREFIX + request.path, request.body or None, sent)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status >= 400:
            raise RequestFailed(f"{request.method} {request.path}: {answer.status} {body[:300]!r}")
        return body

    def close(self) -> None:
        self._connection.close()


@contextmanager
def serving(folder: Path, workers: int, threads: int) -> Iterator[Server]:
    """Run gunicorn on the database of this process, with the folder for its files."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "VAR_DIR": str(folder),
        "API_RATE": "1000000/second",
        "LOG_LEVEL": "WARNING",
        "SECRET_KEY": "of-a-bench-and-nothing-else-" + "-" * 40,
    }
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--log-level", "warning", "config.wsgi"]
    command += ["--workers", str(workers), "--threads", str(threads), "--keep-alive", str(KEEP_ALIVE)]
    process = subprocess.Popen(command, env=environment, stdout=sys.stderr)  # noqa: S603
    try:
        _wait_for(port, process)
        yield Server(port, process.pid)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            probe = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            probe.request("GET", PREFIX + "customers")
            probe.getresponse().read()
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("gunicorn does not answer.") from error
            time.sleep(0.1)


def milliseconds_at_a_rate(
    clients: Sequence[Client], make: Callable[[], Request], count: int, per_second: float
) -> list[float]:
    """Return milliseconds from the moment each request was due, not from when a connection was free for it."""
    requests = [make() for _ in range(count)]
    begin = time.perf_counter() + 0.1
    dues = [(begin + place / per_second, request) for place, request in enumerate(requests)]
    waiting = iter(dues)
    lock = threading.Lock()
    taken: list[float] = []
    errors: list[Exception] = []

    def work(client: Client) -> None:
        try:
            while True:
                with lock:
                    due, request = next(waiting, (0.0, None))
                if request is None:
                    return
                time.sleep(max(0.0, due - time.perf_counter()))
                client.send(request)
                taken.append((time.perf_counter() - due) * 1000)
        except Exception as error:  # the main thread raises it below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return taken


def milliseconds(client: Client, request: Request) -> float:
    started = time.perf_counter()
    client.send(request)
    return (time.perf_counter() - started) * 1000


def _backends() -> list[int]:
    """Return the process IDs of the other connections to this database."""
    with connection.cursor() as cursor:
        mine = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        cursor.execute(f"{mine} AND backend_type = 'client backend'")
        return [row[0] for row in cursor.fetchall()]
