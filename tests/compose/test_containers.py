"""Test what each container may do, and what it contains."""

import json

import pytest
import requests

from ml.sandbox.jobs import TOO_MUCH_MEMORY
from tests.support.compose.stack import LASTING, Stack, run
from tests.support.compose.visitor import TIMEOUT

MEGABYTE = 1_000_000
OURS = ("web", "worker", "worker-io", "beat")
READ_WITH_LITTLE_MEMORY = """
import io
from PIL import Image
from ml import sandbox
from ml.errors import InvalidImage
from ml.photo import PhotoLimits
photo = io.BytesIO()
Image.linear_gradient("L").resize((6000, 5000)).save(photo, "JPEG", progressive=True, quality=90)
print(sandbox.decode(photo.getvalue()).width)
try:
    sandbox.decode(photo.getvalue(), PhotoLimits(memory=60 * 1024 * 1024))
except InvalidImage as error:
    print(error)
"""


def test_the_image_is_small_and_has_no_training_framework(stack: Stack) -> None:
    lines = stack.inside("web", "du", "--summarize", "--bytes", "/opt/venv", "/app").splitlines()
    assert sum(int(line.split()[0]) for line in lines) <= 420 * MEGABYTE  # not counting the base image
    folders = stack.inside("web", "ls", "/opt/venv/lib/python3.12/site-packages").split()
    assert not {"tensorflow", "keras", "torch", "jax"} & set(folders)


def test_all_python_services_run_one_image(stack: Stack) -> None:
    images = {stack.inspect(container)["Image"] for service in OURS for container in stack.containers(service)}
    assert len(images) == 1


@pytest.mark.parametrize("service", LASTING)
def test_a_container_can_do_little_harm(stack: Stack, service: str) -> None:
    host = stack.inspect(stack.containers(service)[0])["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert 0 < host["Memory"] <= 2 * 1024**3
    assert 0 < host["PidsLimit"] <= 200
    assert stack.inside(service, "id", "-u").strip() != "0"
    status = stack.inside(service, "cat", "/proc/self/status")
    assert "CapEff:\t0000000000000000" in status
    assert "Seccomp:\t2" in status  # Docker's filter of system calls is on


@pytest.mark.parametrize("service", ["web", "worker"])
def test_the_limits_of_a_photo_s_decoder_hold(stack: Stack, service: str) -> None:
    assert stack.inside(service, "python", "-c", READ_WITH_LITTLE_MEMORY).splitlines() == ["6000", TOO_MUCH_MEMORY]


def test_secrets_are_in_files_only(stack: Stack) -> None:
    key, password = (stack.inside("web", "cat", f"/srv/secrets/{name}") for name in ("secret_key", "database_password"))
    assert min(len(key), len(password)) == 64
    told = "".join(run("docker", "inspect", container) for container in stack.compose("ps", "-q").split())
    assert key not in told
    assert password not in told


def test_workers_reach_nothing_outside(stack: Stack) -> None:
    networks = stack.inspect(stack.containers("worker")[0])["NetworkSettings"]["Networks"]
    assert [stack.inspect(name)["Internal"] for name in networks] == [True]


@pytest.mark.parametrize("service", [*OURS, "nginx"])
def test_logs_are_lines_of_json(stack: Stack, site: str, service: str) -> None:
    requests.get(f"{site}/admin/login/", timeout=TIMEOUT)  # nginx logs nothing before its first request
    lines = run("docker", "logs", stack.containers(service)[0]).splitlines()
    assert lines
    for line in lines:
        assert {"time", "level", "logger"} <= set(json.loads(line))
