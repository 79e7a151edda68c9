"""A real PostgreSQL and a real Redis for the tests, each with a folder and an address of its own."""

import os
import pwd
import shutil
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


@contextmanager
def running(command: list[str], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A server that is told to end, and killed if it does not."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def postgres() -> Iterator[str]:
    """Run PostgreSQL; gives the DATABASE_URL of its database "postgres". It listens on a socket in its folder only."""
    server, initdb = require("postgres", "postgresql"), require("initdb", "postgresql")
    with private_folder("rapport-pg-") as folder:
        data, options = folder / "data", {"cwd": "/", **account()}
        subprocess.run(
            [initdb, "-D", data, "-U", "rapport", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
            check=True,
            capture_output=True,
            **options,
        )
        settings = ["listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off"]
        command = [server, "-D", str(data), "-k", str(folder), *(part for each in settings for part in ("-c", each))]
        with running(command, folder / "log", **options) as process:
            wait_until(lambda: process.poll() is not None or _answers(folder), "PostgreSQL answers")
            if process.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text()}")
            yield f"postgres://rapport@{str(folder).replace('/', '%2F')}/postgres"


def _answers(folder: Path) -> bool:
    try:
        psycopg2.connect(host=str(folder), user="rapport", dbname="postgres").close()
    except psycopg2.OperationalError:
        return False
    return True


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
