"""Run the stack of docker-compose.yml as an operator does: Compose v2 or docker-compose 1.29, on any engine."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]
NEEDED = (
    "make test-compose needs a Docker engine on this machine that you may use (DOCKER_HOST, if it is not the usual"
    " one), and Compose: either `docker compose` or docker-compose 1.29."
)
KEPT = {"PATH", "HOME", "COMPOSE_DOCKER_CLI_BUILD", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
SLOW = 600.0  # seconds, for a machine that does other work meanwhile
LASTING = ("web", "worker", "worker-io", "beat", "redis", "postgres", "nginx")


class NoEngine(Exception):
    """There is no container engine, or no Compose."""


def environment() -> dict[str, str]:
    """Return the environment without the tests' own variables, which would override the stack's settings."""
    return {name: value for name, value in os.environ.items() if name in KEPT or name.startswith("DOCKER_")}


def run(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(
            f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
        )
    return done.stdout


def compose_command() -> list[str]:
    """Return the command that runs Compose. Raises NoEngine."""
    if not shutil.which("docker") or subprocess.run(["docker", "version"], capture_output=True).returncode:
        raise NoEngine(NEEDED)
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and not subprocess.run([*command, "version"], capture_output=True).returncode:
            return command
    raise NoEngine(NEEDED)


def settings_file(file: Path, own: dict[str, str], *, after: Path = ROOT / ".env.example") -> Path:
    """Copy a settings file, as an operator does, and add lines that override it."""
    lines = "".join(f"{name}={value}\n" for name, value in {**own, "ENV_FILE": str(file)}.items())
    file.write_text(after.read_text() + lines)
    return file


class Stack:
    """One Compose project, separate from all others on this engine."""

    def __init__(self, command: list[str], project: str, settings: Path) -> None:
        self._compose = [*command, "--project-name", project, "--env-file", str(settings)]

    @property
    def as_typed(self) -> str:
        """Return the Compose command of this project, quoted for a shell."""
        return shlex.join(self._compose)

    def compose(self, *arguments: str) -> str:
        return run(*self._compose, *arguments)

    def inside(self, service: str, *command: str) -> str:
        """Run a command in a running container of the service."""
        return self.compose("exec", "-T", service, *command)

    def containers(self, service: str) -> list[str]:
        return self.compose("ps", "-q", service).split()

    def health(self, service: str) -> list[str]:
        """Return the state of each of the service's containers: healthy, or what is wrong."""
        return [self.state(container) for container in self.containers(service)]

    def state(self, container: str) -> str:
        state = self.inspect(container)["State"]
        return str(state["Health"]["Status"]) if state["Running"] else str(state["Status"])

    def inspect(self, thing: str) -> Any:
        return json.loads(run("docker", "inspect", thing))[0]

    def wait_until_healthy(self, service: str, count: int = 1) -> None:
        """Wait until the service has exactly `count` containers and all are healthy."""
        wait_until(lambda: self.health(service) == ["healthy"] * count, f"{count} of {service} are healthy", SLOW)

    def wait_until_up(self) -> None:
        for service in LASTING:
            self.wait_until_healthy(service)

    def tear_down(self) -> None:
        """Remove the project with all its data."""
        self.compose("down", "--volumes", "--remove-orphans")

    def query(self, sql: str) -> str:
        """Return PostgreSQL's answer, a line for each row, with | between columns."""
        psql = ("psql", "--username=rapport", "--dbname=rapport", "--no-align", "--tuples-only", "--command")
        return self.inside("postgres", *psql, sql).strip()

    def photos_on_disk(self) -> set[str]:
        return set(self.inside("web", "find", "/srv/media", "-type", "f", "-printf", "%P\\n").split())
