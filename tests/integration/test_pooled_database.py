"""Test few connections to PostgreSQL for many threads: a pool in each process, or PgBouncer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from django.db import connection

from emotions.models import Snapshot
from emotions.uploads.services import add_snapshots
from tests.support.accounting import statuses
from tests.support.api import make_key
from tests.support.databases import on_sqlite
from tests.support.deployment import Deployment
from tests.support.factories import InteractionFactory, SnapshotFactory, UserFactory, uploaded_photo
from tests.support.pgbouncer import POOL, pgbouncer
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.skipif(on_sqlite(), reason="is about PostgreSQL"),
    pytest.mark.parametrize("broker", ["redis"], indirect=True),
]
THREADS = 8


@pytest.fixture
def bouncer(deployment: Deployment, postgres: str) -> Iterator[None]:
    """Let everything that the test starts reach PostgreSQL through PgBouncer."""
    with pgbouncer(postgres) as url:
        deployment.environment |= {
            "DATABASE_URL": f"{url.rpartition('/')[0]}/{connection.settings_dict['NAME']}",
            "PGBOUNCER": "true",
        }
        yield


def ask_at_once(web: str, path: str, kind: str = "application/json", count: int = 40) -> list[requests.Response]:
    headers = {"Authorization": f"Bearer {make_key(UserFactory(is_superuser=True))[1]}", "Accept": kind}
    with ThreadPoolExecutor(THREADS) as threads:
        return list(
            threads.map(lambda _: requests.get(f"{web}/api/v1/{path}", headers=headers, timeout=60), range(count))
        )


@pytest.fixture(autouse=True)
def named(deployment: Deployment) -> None:
    """Name the connections of the programs that the test starts, to tell them from this process's own."""
    deployment.environment["PGAPPNAME"] = "rapport"


def connections() -> set[int]:
    """Return the IDs of the PostgreSQL processes that serve the started programs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rapport'"
        )
        return {row[0] for row in cursor.fetchall()}


def test_the_threads_of_a_process_share_its_connections(deployment: Deployment) -> None:
    web = deployment.web(processes=1, threads=THREADS, DATABASE_POOL_SIZE="2", API_RATE="1000/second")
    answers = ask_at_once(web, "customers")
    assert {answer.status_code for answer in answers} == {200}
    assert 1 <= len(connections()) <= 2


def test_a_worker_with_a_pool_analyses_in_the_processes_that_it_forks(deployment: Deployment) -> None:
    worker = deployment.worker(processes=2, DATABASE_POOL_SIZE="2")
    add_snapshots(InteractionFactory(), [uploaded_photo(number) for number in range(10)])
    wait_until(lambda: statuses() == [Snapshot.Status.ANALYSED] * 10, "all are analysed")
    assert set(Snapshot.objects.values_list("attempts", flat=True)) == {1}
    assert "Traceback" not in worker.log.read_text()


def test_a_worker_keeps_its_connection_from_photo_to_photo(deployment: Deployment) -> None:
    interaction = InteractionFactory()
    deployment.worker()
    backends: set[int] = set()
    for number in range(3):
        add_snapshots(interaction, [uploaded_photo(number)])
        wait_until(lambda: set(statuses()) == {Snapshot.Status.ANALYSED}, "it is analysed")
        backends |= connections()
    assert len(backends) == 1


def test_everything_works_behind_pgbouncer_in_transaction_mode(deployment: Deployment, bouncer: None) -> None:
    for _ in range(30):
        SnapshotFactory(analysed=True)
    web = deployment.web(processes=1, threads=THREADS, API_RATE="1000/second")
    worker = deployment.worker(processes=2)
    add_snapshots(InteractionFactory(), [uploaded_photo(number) for number in range(10)])
    answers = ask_at_once(web, "sentiment/customers", "text/csv") + ask_at_once(web, "customers")
    assert {answer.status_code for answer in answers} == {200}
    assert min(len(answer.text.splitlines()) for answer in answers[:40]) > 30
    wait_until(lambda: statuses() == [Snapshot.Status.ANALYSED] * 40, "all are analysed")
    assert 1 <= len(connections()) <= POOL
    assert "Traceback" not in worker.log.read_text()
