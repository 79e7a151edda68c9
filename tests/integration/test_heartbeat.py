"""Test that workers show that they are alive, and that one cut off from its broker is replaced."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from emotions.uploads.services import add_snapshot
from jobs.models import WorkerHeartbeat
from tests.support.accounting import statuses
from tests.support.broker import use_redis
from tests.support.deployment import ROOT, Deployment
from tests.support.factories import InteractionFactory, uploaded_photo
from tests.support.proxy import Proxy
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until

on_redis = pytest.mark.parametrize("broker", ["redis"], indirect=True)
THREADS = ("--pool", "threads", "--queues", "webhooks,webhooks-sweep,jobs")


@pytest.fixture(autouse=True)
def often(deployment: Deployment) -> None:
    deployment.environment |= {"ANALYSIS_TIME_LIMIT": "8", "ANALYSIS_LEASE": "9"}
    deployment.environment |= {"HEARTBEAT_INTERVAL": "1", "HEARTBEAT_LIMIT": "12"}


@pytest.fixture
def proxy(redis_server: RedisServer) -> Iterator[Proxy]:
    proxy = Proxy(redis_server.url)
    yield proxy
    proxy.close()


def health(deployment: Deployment) -> tuple[int, str]:
    """Ask for the workers' health as a container's health check does."""
    command = [sys.executable, "-m", "jobs.health.workers"]
    done = subprocess.run(command, cwd=ROOT, env=deployment.environment, capture_output=True, text=True)
    return done.returncode, done.stdout.strip()


def upload(count: int = 1) -> None:
    interaction = InteractionFactory()
    for number in range(count):
        add_snapshot(interaction, uploaded_photo(number))


@pytest.mark.parametrize("pool", [("--concurrency", "2"), THREADS], ids=["processes", "threads"])
def test_a_worker_that_has_nothing_to_do_beats_and_takes_its_row_with_it(
    deployment: Deployment, pool: tuple[str, ...]
) -> None:
    assert health(deployment)[0] == 1
    worker = deployment.start("worker", "celery", "-A", "jobs", "worker", "--loglevel", "INFO", *pool)
    wait_until(WorkerHeartbeat.objects.exists, "the first heartbeat is completed")
    first = WorkerHeartbeat.objects.get()
    wait_until(lambda: WorkerHeartbeat.objects.get().last_seen_at > first.last_seen_at, "another one is")
    assert health(deployment) == (0, "ok")
    assert first.works_with == ("" if pool is THREADS else "reference-cnn@1")
    assert "heartbeat" not in worker.log.read_text().partition("ready.")[2]
    assert worker.stop() == 0
    assert not WorkerHeartbeat.objects.exists()
    assert not list((deployment.folder / "var" / "queue").glob("*.msg"))
    assert health(deployment)[0] == 1


@on_redis
def test_a_worker_that_is_stopped_is_missed(deployment: Deployment, redis_server: RedisServer) -> None:
    worker = deployment.worker()
    wait_until(WorkerHeartbeat.objects.exists, "the first heartbeat is completed")
    # The file is written before the row, so the worker is not stopped between the two.
    assert health(deployment) == (0, "ok")

    def is_missed() -> bool:
        for child in worker.children():  # includes a replacement for a child that was stopped during a task
            os.kill(child, signal.SIGSTOP)
        return health(deployment)[0] == 1

    wait_until(is_missed, "its heartbeats are missed")
    assert "seconds old" in health(deployment)[1]
    worker.kill()
    assert redis_server.client.llen(WorkerHeartbeat.objects.get().queue) <= 1


@on_redis
@pytest.mark.timeout(240)  # it waits longer than other tests
def test_a_deaf_worker_is_noticed_and_another_finishes_its_photos(
    deployment: Deployment, proxy: Proxy, redis_server: RedisServer
) -> None:
    deployment.environment["CELERY_BROKER_URL"] = proxy.url
    deaf = deployment.worker()
    upload()
    wait_until(lambda: statuses() == ["analysed"], "the worker hears")
    wait_until(WorkerHeartbeat.objects.exists, "it has completed a heartbeat")
    proxy.lose_connections()
    use_redis(redis_server.url)
    upload(3)
    wait_until(lambda: deaf.status is not None, "the deaf worker is gone")
    said = deaf.log.read_text()
    assert "has gone deaf: the broker answers" in said
    assert deaf.status == 1
    deployment.worker()
    deployment.beat()
    wait_until(lambda: statuses() == ["analysed"] * 4, "another worker finishes the photos")


@on_redis
def test_a_worker_without_a_broker_is_not_deaf(deployment: Deployment, redis_server: RedisServer) -> None:
    worker = deployment.worker()
    wait_until(WorkerHeartbeat.objects.exists, "the first heartbeat is completed")
    redis_server.stop()
    wait_until(lambda: worker.log.read_text().count("No heartbeat can be sent") > 2, "the broker is missed")
    before = WorkerHeartbeat.objects.get().last_seen_at
    redis_server.start()
    wait_until(lambda: WorkerHeartbeat.objects.get().last_seen_at > before, "heartbeats go on")
    assert worker.status is None
    assert "gone deaf" not in worker.log.read_text()


def test_a_busy_worker_is_not_deaf(deployment: Deployment) -> None:
    upload(40)
    deployment.beat()
    worker = deployment.worker()
    wait_until(lambda: set(statuses()) == {"analysed"}, "every photo is analysed")
    assert health(deployment)[0] == 0
    assert "gone deaf" not in worker.log.read_text()


def test_the_command_explains_itself(deployment: Deployment, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "jobs.health.workers", "--help"]
    assert b"heartbeat" in subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
