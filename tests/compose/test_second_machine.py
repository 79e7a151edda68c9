"""Restore a documented backup on another machine, which has its own secrets and proxy."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from ml.image import strip
from tests.support.compose.operator_proxy import operator_proxy
from tests.support.compose.stack import ROOT, SLOW, Stack, compose_command, environment, settings_file
from tests.support.compose.visitor import TIMEOUT, System
from tests.support.factories import face_photo
from tests.support.ports import free_ports
from tests.support.waiting import wait_until

GROUP = 10001  # the group that every container runs as
CLIENT = "127.0.0.1"  # the client's address as the proxy sees it


def documented(heading: str) -> list[str]:
    """Return the code blocks below a heading of docs/containers.md."""
    section = (ROOT / "docs" / "containers.md").read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def type_in(commands: str, stack: Stack, folder: Path) -> None:
    """Run the commands in the folder, as an operator would."""
    arrangement = f'docker() {{ shift; command {stack.as_typed} --file {ROOT}/docker-compose.yml "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", arrangement + commands],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which the operator works."""
    return tmp_path_factory.mktemp("second")


@pytest.fixture(scope="module")
def kept(stack: Stack, system: System, folder: Path) -> tuple[str, bytes]:
    """Back up the first machine, and return the ID and the photo of a snapshot in the backup."""
    photo = face_photo("kept")
    snapshot = str(system.upload(system.customer(), photo).json()["id"])
    wait_until(lambda: system.ask(f"snapshots/{snapshot}")["status"] == "analysed", "it is analysed", SLOW)
    type_in(documented("Backup and restore")[0], stack, folder)
    return snapshot, strip(photo)


@pytest.fixture(scope="module")
def second_ports() -> list[int]:
    """Return free ports for HTTP, for nginx's own HTTPS and for the proxy."""
    return free_ports(3)


@pytest.fixture(scope="module")
def second(operator_settings: Path, kept: tuple[str, bytes], folder: Path, second_ports: list[int]) -> Iterator[Stack]:
    secrets = folder / "secrets"
    secrets.mkdir()
    secrets.chmod(0o755)
    for name in ("secret_key", "database_password"):
        file = secrets / name
        file.write_text(f"the operator's own {name}, which is long enough for anybody and everybody")
        shutil.chown(file, group=GROUP)
        file.chmod(0o640)
    own = {
        "SECRETS": str(secrets),
        "HTTP_LISTEN": f"127.0.0.1:{second_ports[0]}",
        "HTTPS_LISTEN": f"127.0.0.1:{second_ports[1]}",
        "HTTPS": "true",
        "TRUSTED_PROXIES": "172.16.0.0/12,192.168.0.0/16",  # the proxy's requests arrive through Docker's networks
    }
    file = settings_file(folder / "env", own, after=operator_settings)
    stack = Stack(compose_command(), f"rapport-test-second-{os.getpid()}", file)
    try:
        type_in(documented("Backup and restore")[1], stack, folder)
        stack.wait_until_up()
        yield stack
    finally:
        stack.tear_down()


@pytest.fixture(scope="module")
def outside(second: Stack, folder: Path, second_ports: list[int]) -> Iterator[System]:
    """Return another system, which reaches the second machine only through the proxy."""
    http, _, proxy = second_ports
    with operator_proxy(folder, proxy, behind=http):
        system = System(f"https://localhost:{proxy}", second)
        system.trust_env = False  # otherwise REQUESTS_CA_BUNDLE would override the certificate
        system.verify = str(folder / "fullchain.pem")
        yield system


def test_everything_is_there_again(kept: tuple[str, bytes], second: Stack, outside: System) -> None:
    snapshot, photo = kept
    assert outside.ask(f"snapshots/{snapshot}")["status"] == "analysed"
    assert outside.photo(snapshot) == photo
    assert second.photos_on_disk() == set(second.query("SELECT file FROM emotions_snapshot WHERE file <> ''").split())


def test_work_goes_on_there(outside: System) -> None:
    snapshot = outside.upload(outside.customer(), face_photo("after the restore")).json()["id"]
    wait_until(lambda: outside.ask(f"snapshots/{snapshot}")["status"] == "analysed", "it is analysed", SLOW)


def test_the_operator_s_secrets_are_used(second: Stack, folder: Path) -> None:
    key = (folder / "secrets" / "secret_key").read_text()
    say_key = "from django.conf import settings; print(settings.SECRET_KEY)"
    told = second.inside("web", "python", "manage.py", "shell", "--verbosity", "0", "--command", say_key)
    assert told.strip() == key


def test_the_proxy_is_believed(second: Stack, outside: System, folder: Path, second_ports: list[int]) -> None:
    http, _, proxy = second_ports
    certificate = str(folder / "fullchain.pem")
    page = requests.get(f"https://localhost:{proxy}/admin/login/?as=seen", timeout=TIMEOUT, verify=certificate)
    assert (page.status_code, page.history) == (200, [])
    assert [cookie.secure for cookie in page.cookies] == [True]
    lines = [line for line in second.compose("logs", "--no-color", "nginx").splitlines() if "/admin/login/" in line]
    assert f'"client":"{CLIENT}"' in lines[-1]
    plain = requests.get(f"http://localhost:{http}/admin/login/", timeout=TIMEOUT, allow_redirects=False)
    assert plain.status_code in {301, 308}
