"""Test a Redis across an open network: encrypted, with a password, and with a checked certificate."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import trustme

from emotions.models import Snapshot
from emotions.uploads.services import add_snapshot
from tests.support import servers
from tests.support.accounting import statuses
from tests.support.broker import use_redis
from tests.support.deployment import Deployment
from tests.support.factories import InteractionFactory, uploaded_photo
from tests.support.programs import start
from tests.support.waiting import wait_until

COUNT = "from django.core.cache import cache; cache.set('a', 1); print(cache.get('a'))"


@pytest.fixture
def tls_redis() -> Iterator[servers.TlsRedisServer]:
    with servers.started(servers.TlsRedisServer) as server:
        yield server


@pytest.fixture
def broker(tls_redis: servers.TlsRedisServer) -> str:
    use_redis(tls_redis.url, REDIS_CA_FILE=tls_redis.ca_file)
    return tls_redis.url


@pytest.fixture
def stranger(tmp_path: Path) -> str:
    """Return the certificate file of an authority that signed nothing."""
    file = tmp_path / "stranger.pem"
    trustme.CA().cert_pem.write_to_path(file)
    return str(file)


def test_photos_are_analysed_by_way_of_it(deployment: Deployment, tls_redis: servers.TlsRedisServer) -> None:
    worker = deployment.worker(REDIS_CA_FILE=tls_redis.ca_file)
    add_snapshot(InteractionFactory(), uploaded_photo())
    wait_until(lambda: statuses() == [Snapshot.Status.ANALYSED], "it is analysed")
    assert servers.PASSWORD not in worker.log.read_text()
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(tls_redis.url.replace(servers.PASSWORD, "guessed"), ssl_ca_certs=tls_redis.ca_file).ping()


def test_a_certificate_of_another_authority_is_refused_and_photos_wait(
    deployment: Deployment, tls_redis: servers.TlsRedisServer, stranger: str, caplog: pytest.LogCaptureFixture
) -> None:
    use_redis(tls_redis.url, REDIS_CA_FILE=stranger)
    add_snapshot(InteractionFactory(), uploaded_photo())
    assert "waits for the sweep: the broker cannot be reached" in caplog.text
    assert "certificate verify failed" in caplog.text
    assert statuses() == ["pending"]
    mistaken = deployment.worker(name="mistaken", REDIS_CA_FILE=stranger)
    wait_until(lambda: "certificate verify failed" in mistaken.log.read_text(), "the worker says why")
    deployment.beat(REDIS_CA_FILE=tls_redis.ca_file)
    deployment.worker(REDIS_CA_FILE=tls_redis.ca_file)
    wait_until(lambda: statuses() == [Snapshot.Status.ANALYSED], "it is analysed")


def test_requests_are_counted_in_it_with_its_certificate_only(
    tls_redis: servers.TlsRedisServer, tmp_path: Path, stranger: str
) -> None:
    assert start(tmp_path, COUNT, CACHE_URL=tls_redis.url, REDIS_CA_FILE=tls_redis.ca_file).stdout == "1\n"
    for wrong in ({"REDIS_CA_FILE": stranger}, {}):
        refused = start(tmp_path, COUNT, CACHE_URL=tls_redis.url, **wrong)
        assert "certificate verify failed" in refused.stderr
