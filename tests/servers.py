"""A real PostgreSQL and a real Redis for the tests, each with a folder and an address of its own."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis

from tests.ports import own_port
from tests.waiting import wait_until

ACCOUNT = "nobody"  # PostgreSQL refuses to run as root


def installed(program: str) -> str | None:
    """The path of a server's program, also where Debian hides PostgreSQL's."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    places = [*map(str, reversed(versions)), os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]
    return shutil.which(program, path=os.pathsep.join(places))


def require(program: str, package: str) -> str:
    """The path of a server's program. Without it the test is skipped, but fails in CI."""
    if path := installed(program):
        return path
    missing = f"{program} is not installed (Debian package: {package})"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@contextmanager
def private_folder(prefix: str) -> Iterator[Path]:
    """A new folder in which the servers' account may write; short, because it holds sockets."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, ACCOUNT)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def account() -> dict[str, Any]:
    """How a child process gives up root's rights."""
    if os.geteuid() != 0:
        return {}
    return {"user": ACCOUNT, "group": pwd.getpwnam(ACCOUNT).pw_gid, "extra_groups": []}


class PostgresServer:
    """A PostgreSQL that a test may crash and start again. It listens on a socket in its folder only.

    It keeps what was committed when it crashes, but not when the machine does: it never waits for the disk.
    """

    SETTINGS = ("listen_addresses=", "fsync=off", "full_page_writes=off")

    def __init__(self, folder: Path) -> None:
        server, initdb = require("postgres", "postgresql"), require("initdb", "postgresql")
        data, self._folder = folder / "data", folder
        self._options: dict[str, Any] = {"cwd": "/", **account()}
        subprocess.run(
            [initdb, "-D", data, "-U", "rapport", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
            check=True,
            capture_output=True,
            **self._options,
        )
        settings = (part for each in self.SETTINGS for part in ("-c", each))
        self._command = [server, "-D", str(data), "-k", str(folder), *settings]
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"postgres://rapport@{str(folder).replace('/', '%2F')}/postgres"  # the DATABASE_URL of "postgres"

    def start(self) -> None:
        if self._process is not None:
            return
        with self._log.open("ab") as output:
            process = subprocess.Popen(
                self._command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, **self._options
            )
        self._process = process
        wait_until(lambda: process.poll() is not None or self._answers(), "PostgreSQL answers")
        if process.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start: {self._log.read_text()}")

    def crash(self) -> None:
        """Every connection breaks, every open transaction is lost."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            psycopg2.connect(host=str(self._folder), user="rapport", dbname="postgres").close()
        except psycopg2.OperationalError:
            return False
        return True


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    with private_folder("rapport-pg-") as folder:
        server = PostgresServer(folder)
        try:
            server.start()
            yield server
        finally:
            server.stop()


class RedisServer:
    """A Redis that a test may stop and start again at the same address. It forgets everything when it stops."""

    def __init__(self, program: str, folder: Path, port: int) -> None:
        self._command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{port}/0"
        self.client = redis.Redis(port=port)

    def start(self) -> None:
        if self._process is None:
            with self._log.open("ab") as output:
                self._process = subprocess.Popen(self._command, stdout=output, stderr=output)
            wait_until(self._answers, "Redis answers")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    with private_folder("rapport-redis-") as folder, own_port() as port:
        server = RedisServer(require("redis-server", "redis-server"), folder, port)
        try:
            server.start()
            yield server
        finally:
            server.stop()
