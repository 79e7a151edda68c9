"""Start one stack for all tests here. Building it takes minutes, so only `make test-compose` runs them."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.compose.stack import NoEngine, Stack, compose_command, settings_file
from tests.support.compose.visitor import Browser, System
from tests.support.ports import free_ports


@pytest.fixture(scope="session")
def ports() -> list[int]:
    """Return two free ports, for HTTP and HTTPS."""
    return free_ports(2)


@pytest.fixture(scope="session")
def site(ports: list[int]) -> str:
    return f"http://localhost:{ports[0]}"


@pytest.fixture(scope="session")
def operator_settings(ports: list[int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    own = {
        "HTTP_LISTEN": f"127.0.0.1:{ports[0]}",
        "HTTPS_LISTEN": f"127.0.0.1:{ports[1]}",
        "WORKER_PROCESSES": "1",
        "API_RATE": "100000/minute",
        "MAX_PHOTO_BYTES": str(1024 * 1024),
        # The photo of a killed worker must be claimed again soon.
        "ANALYSIS_TIME_LIMIT": "20",
        "ANALYSIS_LEASE": "30",
        "SWEEP_INTERVAL": "5",
    }
    return settings_file(tmp_path_factory.mktemp("settings") / "env", own)


@pytest.fixture(scope="session")
def stack(operator_settings: Path, pytestconfig: pytest.Config) -> Iterator[Stack]:
    """Build and start the stack, wait until it is healthy, and remove it with its data afterwards."""
    try:
        stack = Stack(compose_command(), f"rapport-test-{os.getpid()}", operator_settings)
    except NoEngine as error:
        pytest.exit(str(error), returncode=1)
    try:
        stack.compose("build")
        stack.compose("up", "--detach")
        stack.wait_until_up()
        yield stack
    finally:
        # Pytest shows this when a test fails.
        print(stack.compose("logs", "--no-color", "--tail", "40"), file=sys.stderr)
        stack.tear_down()


@pytest.fixture(scope="session")
def staff(site: str, stack: Stack) -> Browser:
    return Browser(site, stack)


@pytest.fixture(scope="session")
def system(site: str, stack: Stack, staff: Browser) -> System:
    return System(site, stack)


@pytest.fixture
def customer(system: System) -> str:
    return system.customer()
