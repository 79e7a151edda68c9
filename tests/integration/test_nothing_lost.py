"""Analyse five hundred photos while machines fail, and account for every one at the end."""

import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.db import connection

from bench.deployed import another_system
from bench.uploads import Uploads
from emotions.models import Snapshot
from emotions.snapshots.models import GIVEN_UP
from emotions.snapshots.stray_files import delete_stray_files
from emotions.tasks import analyse_snapshots
from emotions.uploads.services import add_snapshot
from jobs.tasks import sweep
from tests.support.accounting import assert_accounted_for
from tests.support.databases import cut_connections, on_sqlite
from tests.support.deployment import Deployment
from tests.support.factories import InteractionFactory, checked, jpeg, small_face, small_photo
from tests.support.faults import Crew, filled, happening, no_memory, small_disk
from tests.support.poisoned_worker import POISON_SIZE
from tests.support.servers import PostgresServer, RedisServer
from tests.support.threads import at_once, in_thread
from tests.support.waiting import wait_until

PHOTOS = 500
CLIENTS = 4
PATIENCE = 500.0  # seconds; a quiet machine needs a tenth of it

pytestmark = [
    pytest.mark.parametrize("broker", ["redis"], indirect=True),
    pytest.mark.timeout(900),
    pytest.mark.skipif(on_sqlite(), reason="several machines need PostgreSQL"),
]


@pytest.fixture
def uploads(deployment: Deployment) -> Uploads:
    """Start web processes, and another system that sends photos to them."""
    deployment.environment |= {"API_RATE": "1000000/second", "ANALYSIS_MAX_ATTEMPTS": "10"}
    return another_system(deployment.web(), small_photo)


def send_all(uploads: Uploads) -> None:
    uploads.send(range(PHOTOS), clients=CLIENTS)


def accepted(uploads: Uploads) -> list[str]:
    snapshots = {each.snapshot for each in uploads.accepted}
    assert len(snapshots) == PHOTOS
    return [*snapshots]


def wait_for_accepted(uploads: Uploads, share: float) -> None:
    wait_until(lambda: len(uploads.accepted) >= share * PHOTOS, f"{share:.0%} are accepted", PATIENCE)


def finished() -> int:
    return Snapshot.objects.exclude(finished_at=None).count()


def wait_for_the_end_of_all() -> None:
    unfinished = Snapshot.objects.filter(status__in=Snapshot.UNFINISHED)
    wait_until(lambda: not unfinished.exists(), "every snapshot is done", PATIENCE)


def test_processes_that_are_killed_starved_and_terminated(
    deployment: Deployment, uploads: Uploads, media: Path
) -> None:
    crew = Crew(deployment, 2)
    deployment.beat()
    with no_memory() as starved:
        faults = (
            crew.kill_a_process,
            partial(crew.starve_a_process, starved),
            crew.kill_a_web,
            crew.kill_a_worker,
            partial(crew.starve_a_worker, starved),
            crew.terminate_a_worker,
        )
        with happening(*faults, progress=lambda: len(uploads.accepted) + finished(), step=PHOTOS / 15):
            send_all(uploads)
            wait_for_the_end_of_all()
        assert starved.kills >= 4
    delete_stray_files(timedelta(0))  # a web process may have been killed before its commit
    assert_accounted_for(accepted(uploads), media)


def test_a_broker_that_stops_and_forgets(
    deployment: Deployment, uploads: Uploads, redis_server: RedisServer, media: Path
) -> None:
    Crew(deployment, 2)
    deployment.beat()
    faults = (redis_server.stop, redis_server.start, redis_server.client.flushall)
    with happening(*faults, progress=lambda: len(uploads.accepted), step=PHOTOS / 10):
        send_all(uploads)
        assert not uploads.refused
    redis_server.start()
    wait_for_the_end_of_all()
    assert_accounted_for(accepted(uploads), media)


@pytest.fixture
def database(shared_postgres: PostgresServer, deployment: Deployment) -> Iterator[PostgresServer]:
    """Return a database that the test may crash. It runs again afterwards."""
    yield shared_postgres
    shared_postgres.start()
    connection.close()  # this process's own connection broke too


@pytest.fixture
def disk(media: Path) -> Iterator[Path]:
    with small_disk(media, megabytes=4) as folder:
        yield folder


def test_a_database_that_crashes_connections_that_break_and_a_full_disk(
    disk: Path, deployment: Deployment, uploads: Uploads, database: PostgresServer
) -> None:
    Crew(deployment, 2)
    deployment.beat()
    sending = in_thread(lambda: send_all(uploads))
    wait_for_accepted(uploads, 0.2)
    with filled(disk):
        refused = uploads.refused["503"]
        wait_until(lambda: uploads.refused["503"] >= refused + CLIENTS, "every client is refused")
    wait_for_accepted(uploads, 0.4)
    wait_until(lambda: cut_connections(amid_transactions=True), "a transaction is cut")
    wait_for_accepted(uploads, 0.6)
    database.crash()
    refused = uploads.refused["503"]
    wait_until(lambda: uploads.refused["503"] >= refused + CLIENTS, "every client is refused")
    database.start()
    connection.close()
    sending.result()
    wait_until(lambda: cut_connections(amid_transactions=True), "a transaction is cut")
    database.crash()
    database.start()
    connection.close()
    wait_for_the_end_of_all()
    delete_stray_files(timedelta(0))  # nobody knew whether some commits had succeeded
    assert_accounted_for(accepted(uploads), disk)


def test_sweeps_at_once_messages_again_and_again_and_a_photo_that_crashes_workers(
    deployment: Deployment, media: Path
) -> None:
    interaction = InteractionFactory()
    poison = add_snapshot(interaction, checked(jpeg(small_face().resize(POISON_SIZE))))
    snapshots = [add_snapshot(interaction, checked(small_photo(number))) for number in range(PHOTOS)]
    for _ in range(PHOTOS):
        analyse_snapshots.delay()
    deployment.environment |= {"PYTHONUNBUFFERED": "1"}
    for _ in range(2):
        deployment.start("worker", "tests.support.poisoned_worker", "-A", "jobs", "worker", "--concurrency", "1")
    deployment.beat()
    with happening(lambda: at_once(sweep), progress=time.monotonic, step=1):
        wait_for_the_end_of_all()
    poison.refresh_from_db()
    assert (poison.attempts, poison.error) == (3, GIVEN_UP)
    # The poisonous photo held up no other.
    assert Snapshot.objects.filter(finished_at__lt=poison.finished_at).count() > 20
    assert set(Snapshot.objects.exclude(pk=poison.pk).values_list("attempts", flat=True)) == {1}
    assert_accounted_for([str(each.uuid) for each in [poison, *snapshots]], media, failed=1)
