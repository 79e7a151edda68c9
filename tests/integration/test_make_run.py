"""Test what `make run` starts: supervisor with web, workers and schedule."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.deployment import ROOT, Program, answers
from tests.support.waiting import wait_until

PROGRAMS = ("gunicorn", "photos@", "webhooks@", "beat")


class Site:
    """The program in a folder of its own, started from the file that `make run` uses."""

    def __init__(self, folder: Path, port: int, models: Path) -> None:
        self.folder, self.url = folder, f"http://127.0.0.1:{port}"
        shutil.copytree(ROOT / "config", folder / "config", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "manage.py", folder)
        for name in ("crm", "emotions", "jobs", "ml", "static", "templates"):
            (folder / name).symlink_to(ROOT / name)
        (folder / ".venv").symlink_to(sys.prefix)
        (folder / "var").mkdir()
        environment = {"PATH": os.environ["PATH"], "PORT": str(port), "WORKERS": "1", "MODELS_DIR": str(models)}
        environment |= {"EMOTION_MODEL": "reference-cnn", "DEBUG": "true"}
        manage = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(manage, cwd=folder, env=environment, check=True)
        user = ["--user", "root"] if os.geteuid() == 0 else []
        command = [sys.executable, "-m", "supervisor.supervisord", *user, "--configuration"]
        command.append("config/local/supervisord.conf")
        self.program = Program("supervisord", command, environment, folder, root=folder)

    def pids(self) -> dict[str, int]:
        """Return the process ID of each running program, by the name that its command line contains."""
        running = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in self.program.children()}
        return {name: pid for name in PROGRAMS for pid, line in running.items() if name in line}


@pytest.fixture
def site(tmp_path: Path, free_port: int, model_folder: Path) -> Iterator[Site]:
    (tmp_path / "site").mkdir()
    site = Site(tmp_path / "site", free_port, model_folder)
    yield site
    site.program.stop()
    print(site.program.log.read_text())


def test_what_is_terminated_from_outside_is_started_again_and_said(site: Site) -> None:
    wait_until(lambda: answers(site.url) and set(site.pids()) == set(PROGRAMS), "all run")
    wait_until(lambda: len(list((site.folder / "var" / "heartbeats").glob("*"))) == 2, "the workers listen")
    first = site.pids()
    for pid in first.values():
        os.kill(pid, signal.SIGTERM)
    wait_until(
        lambda: len(again := site.pids()) == len(PROGRAMS) and not set(again.values()) & set(first.values()),
        "others run in their place",
    )
    wait_until(lambda: answers(site.url), "the web answers again")
    said = site.program.log.read_text()
    for name in ("Web", "Worker", "Webhooks", "Beat"):
        assert f"{name} has ended by itself or was ended from outside. It is started again." in said
    assert said.count("Rapport runs at") == 2
