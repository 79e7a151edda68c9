"""Run a real PostgreSQL and a real Redis for the tests, each with a folder and an address of its own."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import psycopg
import pytest
import redis
import trustme

from tests.support.ports import own_port
from tests.support.waiting import wait_until

ACCOUNT = "nobody"  # PostgreSQL refuses to run as root
PASSWORD = "of-a-test-and-nothing-else"


def installed(program: str) -> str | None:
    """Return the path of a server's program, also where Debian hides PostgreSQL's."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    places = [*map(str, reversed(versions)), os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]
    return shutil.which(program, path=os.pathsep.join(places))


def missing(what: str) -> NoReturn:
    """Skip the test. In CI, where everything must be installed, fail it."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


def require(program: str, package: str) -> str:
    """Return the path of a server's program. If it is not installed, skip the test, or fail it in CI."""
    return installed(program) or missing(f"{program} is not installed (Debian package: {package})")


@contextmanager
def private_folder(prefix: str) -> Iterator[Path]:
    """Create a folder in which the servers' account may write. Its path is short, because it holds sockets."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, ACCOUNT)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def account() -> dict[str, Any]:
    """Return the options with which a child process gives up root's rights."""
    if os.geteuid() != 0:
        return {}
    return {"user": ACCOUNT, "group": pwd.getpwnam(ACCOUNT).pw_gid, "extra_groups": []}


@contextmanager
def running(command: list[str], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server, and end it afterwards. Kill it if it does not end."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.terminate()
        _wait_or_kill(process)


def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class PostgresServer:
    """A PostgreSQL that a test may crash and start again. It listens only on a socket in its folder.

    With `hurried`, it never waits for the disk: commits survive a crash of the server, but not of the machine.
    """

    SETTINGS = ("listen_addresses=",)
    HURRIED = ("fsync=off", "full_page_writes=off")

    def __init__(self, folder: Path, *, hurried: bool = True) -> None:
        server, initdb = require("postgres", "postgresql"), require("initdb", "postgresql")
        data, self._folder = folder / "data", folder
        self._options: dict[str, Any] = {"cwd": "/", **account()}
        subprocess.run(
            [initdb, "-D", data, "-U", "rapport", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
            check=True,
            capture_output=True,
            **self._options,
        )
        chosen = self.SETTINGS + (self.HURRIED if hurried else ())
        settings = (part for each in chosen for part in ("-c", each))
        self._command = [server, "-D", str(data), "-k", str(folder), *settings]
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        # The DATABASE_URL of the database "postgres".
        self.url = f"postgres://rapport@{str(folder).replace('/', '%2F')}/postgres"

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
        """Crash the server: every connection breaks, and every open transaction is lost."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            _wait_or_kill(self._process)
            self._process = None

    def _answers(self) -> bool:
        try:
            psycopg.connect(host=str(self._folder), user="rapport", dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def postgres(*, hurried: bool = True) -> Iterator[PostgresServer]:
    with private_folder("rapport-pg-") as folder:
        server = PostgresServer(folder, hurried=hurried)
        try:
            server.start()
            yield server
        finally:
            server.stop()


class RedisServer:
    """A Redis that a test may stop and start again at the same address. It forgets everything when it stops."""

    def __init__(self, program: str, folder: Path, port: int) -> None:
        self._port = port
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


Redis = TypeVar("Redis", bound=RedisServer)


class TlsRedisServer(RedisServer):
    """A Redis that speaks only TLS, and only with clients that know the password."""

    def __init__(self, program: str, folder: Path, port: int) -> None:
        super().__init__(program, folder, port)
        authority = trustme.CA()
        self.ca_file = str(folder / "ca.pem")
        authority.cert_pem.write_to_path(self.ca_file)
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        certificate = str(folder / "server.pem")
        self._command += ["--tls-port", str(self._port), "--port", "0", "--requirepass", PASSWORD]
        self._command += ["--tls-cert-file", certificate, "--tls-key-file", certificate]
        self._command += ["--tls-ca-cert-file", self.ca_file, "--tls-auth-clients", "no"]
        self.url = f"rediss://:{PASSWORD}@127.0.0.1:{self._port}/0"
        self.client = redis.Redis.from_url(self.url, ssl_ca_certs=self.ca_file)


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    with started(RedisServer) as server:
        yield server


@contextmanager
def started(kind: type[Redis]) -> Iterator[Redis]:
    """Start a Redis of that kind."""
    with private_folder("rapport-redis-") as folder, own_port() as port:
        server = kind(require("redis-server", "redis-server"), folder, port)
        try:
            server.start()
            yield server
        finally:
            server.stop()
