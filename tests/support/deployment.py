"""Run the program as in production: real processes with a database, a broker and a folder for photos."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from django.db import connection

from tests.support.ports import own_port
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
TOLD = 40  # lines of each log to print
IMPATIENT = {
    "ANALYSIS_TIME_LIMIT": "4",
    "ANALYSIS_LEASE": "5",
    "ANALYSIS_MAX_ATTEMPTS": "3",
    "ANALYSIS_RETRY_DELAY": "1",
    "BROKER_VISIBILITY_TIMEOUT": "60",
    "SWEEP_INTERVAL": "1",
}


def database_url(server: str | None) -> str:
    """Return the address of the database that the tests use now."""
    name = connection.settings_dict["NAME"]
    return f"{server.rpartition('/')[0]}/{name}" if server else f"sqlite:///{name}"


def answers(site: str) -> bool:
    try:
        with urllib.request.urlopen(f"{site}/healthz") as answer:  # noqa: S310 - our own http address
            return bool(answer.status == 200)
    except urllib.error.URLError:
        return False


class Program:
    """A started process with its children."""

    def __init__(
        self, name: str, command: list[str], environment: dict[str, str], folder: Path, root: Path = ROOT
    ) -> None:
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                command, cwd=root, env=environment, stdout=output, stderr=output, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        return self._process.poll()

    def children(self) -> list[int]:
        tasks = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(child) for child in tasks.read_text().split()]

    def kill(self) -> None:
        """Kill the process and its children at once, as a power failure would."""
        if self.status is None:
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def terminate(self) -> None:
        if self.status is None:
            self._process.terminate()

    def stop(self) -> int:
        """End the process politely, and return its exit status."""
        self.terminate()
        return self.wait()

    def wait(self) -> int:
        """Wait until the process ends by itself or is killed, and return its exit status."""
        wait_until(lambda: self.status is not None, "the process ends")
        return self._process.returncode


class Deployment:
    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SECRET_KEY": "only for tests, and long enough for Django's own checks",
            "EMOTION_MODEL": "reference-cnn",
            "LOG_LEVEL": "INFO",
            **IMPATIENT,
            **environment,
        }
        self._started: list[Program] = []
        self._ports = ExitStack()

    def start(self, name: str, *command: str, **environment: str) -> Program:
        program = Program(name, [sys.executable, "-m", *command], self.environment | environment, self.folder)
        self._started.append(program)
        return program

    def worker(self, processes: int = 1, name: str = "worker", **environment: str) -> Program:
        options = ("--concurrency", str(processes), "--loglevel", "INFO", "--hostname", f"{name}@%h")
        return self.start(name, "celery", "-A", "jobs", "worker", *options, **environment)

    def web(self, processes: int = 2, threads: int = 4, **environment: str) -> str:
        """Start gunicorn, and return the site's address once it answers."""
        bind = f"127.0.0.1:{self._ports.enter_context(own_port())}"
        options = f"--workers {processes} --threads {threads} --keep-alive 60 --log-level warning".split()
        self.gunicorn = self.start("web", "gunicorn", "--bind", bind, *options, "config.wsgi", **environment)
        wait_until(lambda: answers(f"http://{bind}"), "the web answers")
        return f"http://{bind}"

    def beat(self, **environment: str) -> Program:
        return self.start("beat", "celery", "-A", "jobs", "beat", "--loglevel", "INFO", **environment)

    def end(self) -> None:
        for program in self._started:
            program.kill()
        self._ports.close()

    def tell(self) -> None:
        """Print the end of each log. pytest shows it when the test fails."""
        for log in sorted(self.folder.glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-TOLD:]
            print(f"--- the end of {log.name}", *lines, sep="\n")
