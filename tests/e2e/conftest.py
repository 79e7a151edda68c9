"""Run a real site for a real browser: gunicorn, a worker with the released model, PostgreSQL and Redis."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from playwright.sync_api import BrowserContext, Page, expect

from crm.models import User
from tests.support.broker import use_redis
from tests.support.databases import on_sqlite
from tests.support.deployment import Deployment, database_url
from tests.support.factories import UserFactory, face_photo
from tests.support.servers import RedisServer, require
from tests.support.site import PASSWORD, Site

# Playwright's event loop runs in this thread, so Django would refuse the tests' own queries.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
expect.set_options(timeout=30_000)  # milliseconds: enough for an analysis on a busy machine

OFFLINE = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CAMERA_FRAMES = 30


@pytest.fixture(scope="session")
def browser_type_launch_args(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Use the system's Chromium, with a camera that films a face."""
    film = tmp_path_factory.mktemp("camera") / "face.mjpeg"
    film.write_bytes(face_photo() * CAMERA_FRAMES)
    camera = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]
    return {"executable_path": require("chromium", "chromium"), "args": OFFLINE + camera}


@pytest.fixture(scope="session")
def static_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the static files as a deployment collects them."""
    var = tmp_path_factory.mktemp("static")
    environment = os.environ | {"VAR_DIR": str(var), "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
    subprocess.run(command, check=True, env=environment)
    return var / "static"


@pytest.fixture
def site(
    request: pytest.FixtureRequest,
    transactional_db: None,
    redis_server: RedisServer,
    static_files: Path,
    media: Path,
    tmp_path: Path,
) -> Iterator[Site]:
    """Return a site whose web processes run. The test starts the worker."""
    use_redis(redis_server.url)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "static").symlink_to(static_files)
    deployment = Deployment(
        tmp_path,
        VAR_DIR=str(tmp_path / "var"),
        MEDIA_ROOT=str(media),
        MODELS_DIR=str(settings.MODELS_DIR),
        DATABASE_URL=database_url(None if on_sqlite() else request.getfixturevalue("postgres")),
        CELERY_BROKER_URL=redis_server.url,
        ANALYSIS_TIME_LIMIT="30",
        ANALYSIS_LEASE="40",
        WEBHOOK_ALLOWED_HOSTS="127.0.0.1",
        API_RATE="1000000/second",
        API_FAILURE_RATE="1000000/second",
    )
    yield Site(deployment)
    deployment.end()
    deployment.tell()


@pytest.fixture
def staff(site: Site) -> User:
    user: User = UserFactory(username="sam", first_name="Sam", last_name="Rivera", is_superuser=True)
    # The site does not accept the tests' fast hasher.
    user.password = make_password(PASSWORD, hasher=PBKDF2PasswordHasher())
    user.save()
    return user


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any], request: pytest.FixtureRequest) -> dict[str, Any]:
    return browser_context_args | {
        "viewport": {"width": 1280, "height": 900},
        "locale": "en-GB",
        "permissions": ["camera"],
    }


@pytest.fixture
def visited(context: BrowserContext) -> list[str]:
    """Return the list of the addresses that the browser requests; it grows with each request."""
    addresses: list[str] = []
    context.on("request", lambda request: addresses.append(request.url))
    return addresses


@pytest.fixture
def complaints(context: BrowserContext) -> list[str]:
    """Return the list of the errors in the browser's console; it grows with each error."""
    heard: list[str] = []
    context.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: heard.append(str(error.error)))
    return heard


@pytest.fixture
def logged_in(page: Page, site: Site, staff: User, visited: list[str], complaints: list[str]) -> Page:
    page.goto(f"{site.address}/")
    page.get_by_label("Username").fill(staff.username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(f"{site.address}/admin/crm/customer/")
    return page


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.integration)
