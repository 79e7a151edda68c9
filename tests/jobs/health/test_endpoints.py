"""Test what machines are told about the health of the site and of its workers."""

from pathlib import Path
from threading import Event

import pytest
from django.test import Client
from pytest_django import Settings

from jobs.health import endpoints as health
from tests.support.broker import use_redis
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def slow_check(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Install a check that hangs until the test lets it go on."""
    go_on = Event()
    monkeypatch.setattr(health, "TIME_LIMIT", 0.2)
    monkeypatch.setitem(health.CHECKS, "slow", lambda: "" if go_on.wait(30) else "too late")
    return go_on


def test_the_process_lives_whatever_the_host_name_and_the_scheme(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get("/healthz", headers={"host": "10.1.2.3:8000"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["Cache-Control"] == "no-store"
    assert client.post("/healthz").status_code == 405


@pytest.mark.usefixtures("released_model")
def test_a_site_that_can_work_is_ready(client: Client, media: Path) -> None:
    answer = client.get("/readyz", headers={"host": "10.1.2.3:8000"})
    assert answer.json() == {
        "status": "ok",
        "checks": {"database": "ok", "broker": "ok", "storage": "ok", "model": "ok"},
    }
    assert answer.status_code == 200
    assert list(media.iterdir()) == []


def test_a_site_without_its_model_and_storage_says_which(
    client: Client, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MODELS_DIR = tmp_path / "nowhere"
    settings.MEDIA_ROOT = tmp_path / "file"
    settings.MEDIA_ROOT.write_text("in the way")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {
        "database": "ok",
        "broker": "ok",
        "storage": "It does not work; the log says why.",
        "model": "The active model cannot be used; the workspace says why.",
    }
    assert str(tmp_path) not in answer.text
    assert "/readyz: storage:" in caplog.text


def test_a_site_without_its_broker_says_so_and_recovers(client: Client, redis_server: RedisServer) -> None:
    use_redis(redis_server.url)
    assert client.get("/readyz").json()["checks"]["broker"] == "ok"
    redis_server.stop()
    assert client.get("/readyz").json()["checks"]["broker"] == "It does not work; the log says why."
    redis_server.start()
    assert client.get("/readyz").json()["checks"]["broker"] == "ok"


def test_a_check_that_hangs_holds_nobody_up_and_runs_once(client: Client, slow_check: Event) -> None:
    assert client.get("/readyz").json()["checks"]["slow"] == "It has not answered in time."
    first = health._under_way["slow"]
    assert client.get("/readyz").status_code == 503
    assert health._under_way["slow"] is first
    slow_check.set()
    wait_until(lambda: first.is_answered, "it answers")
    assert client.get("/readyz").json()["checks"]["slow"] == "ok"
