"""Test messages and the sweep: a few messages stand for all waiting work, and none stays lost."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from emotions import tasks
from emotions.models import Snapshot
from emotions.snapshots.models import GIVEN_UP
from emotions.uploads.services import add_snapshot
from jobs.dispatch import ENOUGH, announce
from jobs.queues import waiting_messages
from jobs.tasks import sweep
from tests.support.accounting import statuses
from tests.support.broker import Message, Queue, use_redis
from tests.support.factories import InteractionFactory, SnapshotFactory, uploaded_photo
from tests.support.servers import RedisServer
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)
Status = Snapshot.Status
LONG_AGO = timezone.now() - timedelta(days=1)
NOBODY_LISTENS = "redis://127.0.0.1:1/0"


ONE = [Message("emotions.analysis.tasks.analyse_snapshots", [])]


def abandoned(attempts: int = 1) -> Snapshot:
    """Return a snapshot whose worker died a long time ago."""
    snapshot: Snapshot = SnapshotFactory(attempts=attempts - 1)
    assert Snapshot.objects.filter(pk=snapshot.pk).claim_next()
    Snapshot.objects.update(claim_expires_at=LONG_AGO)
    return snapshot


def add() -> None:
    announce(tasks.analyse_snapshots)


def test_a_few_messages_stand_for_all_that_waits(queue: Queue) -> None:
    interaction = InteractionFactory()
    for number in range(3 * ENOUGH):
        add_snapshot(interaction, uploaded_photo(number))
        sweep()
    assert queue.messages() == ONE * ENOUGH


def test_a_few_messages_stand_for_all_that_waits_in_redis(redis_server: RedisServer) -> None:
    use_redis(redis_server.url)
    for _ in range(3 * ENOUGH):
        add()
    assert waiting_messages()["celery"] == ENOUGH


def test_senders_at_once_add_one_message_each_at_most(redis_server: RedisServer) -> None:
    use_redis(redis_server.url)
    for _ in range(3):
        at_once(add, times=5)
    assert ENOUGH <= waiting_messages()["celery"] < ENOUGH + 5


@pytest.mark.parametrize("trait", ["analysed", "no_face", "failed", "withheld"])
def test_for_what_is_done_no_message_is_sent(queue: Queue, trait: str) -> None:
    SnapshotFactory(**{trait: True})
    sweep()
    assert not queue.messages()


def test_a_connection_that_broke_is_like_a_broker_that_is_down(
    redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    use_redis(redis_server.url)
    add()
    redis_server.stop()
    add()
    assert "Work in celery waits for the sweep: the broker cannot be reached" in caplog.text


def test_an_upload_with_the_broker_down_succeeds_and_waits_for_the_sweep(queue: Queue) -> None:
    use_redis(NOBODY_LISTENS)
    add_snapshot(InteractionFactory(), uploaded_photo())
    assert statuses() == [Status.PENDING]
    sweep()
    queue.listen()
    assert queue.messages() == []
    sweep()
    assert queue.messages() == ONE


def test_the_sweep_sends_a_message_for_whose_worker_died(queue: Queue) -> None:
    abandoned()
    sweep()
    assert queue.messages() == ONE


def test_the_sweep_leaves_alone_who_is_being_analysed(queue: Queue) -> None:
    assert Snapshot.objects.filter(pk=SnapshotFactory().pk).claim_next()
    sweep()
    assert (statuses(), queue.messages()) == ([Status.ANALYSING], [])


def test_the_sweep_gives_up_what_broke_every_attempt(queue: Queue, settings: Settings) -> None:
    settings.ANALYSIS_MAX_ATTEMPTS = 3
    snapshot = abandoned(attempts=3)
    sweep()
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.error, snapshot.claim_token) == (Status.FAILED, GIVEN_UP, None)
    assert snapshot.finished_at
    assert not queue.messages()


def test_the_sweep_does_not_wait_behind_the_photos(queue: Queue) -> None:
    add()
    sweep.delay()
    assert {file.name.rpartition(".msg")[0].rpartition(".")[2] for file in queue.folder.glob("*.msg")} == {
        "celery",
        "sweep",
    }


@pytest.mark.usefixtures("released_model")
def test_one_message_is_enough_for_all(queue: Queue, settings: Settings) -> None:
    settings.ANALYSIS_SLICE = 60
    for _ in range(3):
        SnapshotFactory()
    add()
    queue.work()
    assert statuses() == [Status.ANALYSED] * 3
    assert queue.messages() == ONE  # a worker calls for another as soon as it begins


@pytest.mark.usefixtures("released_model")
def test_a_worker_stops_after_its_slice_and_sends_a_message_for_the_rest(queue: Queue, settings: Settings) -> None:
    settings.ANALYSIS_SLICE = 0
    for _ in range(2):
        SnapshotFactory()
    tasks.analyse_snapshots()
    assert (statuses(), queue.take()) == ([Status.ANALYSED, Status.PENDING], ONE * 2)
    tasks.analyse_snapshots()
    assert (statuses(), queue.messages()) == ([Status.ANALYSED] * 2, [])


@pytest.mark.usefixtures("released_model")
def test_a_photo_for_which_somebody_waits_comes_next(queue: Queue, settings: Settings) -> None:
    settings.ANALYSIS_SLICE = 0
    for _ in range(2):
        SnapshotFactory(makes_way=True)
    tasks.analyse_snapshots()
    SnapshotFactory()
    tasks.analyse_snapshots()
    assert statuses() == [Status.ANALYSED, Status.PENDING, Status.ANALYSED]
    tasks.analyse_snapshots()
    assert statuses() == [Status.ANALYSED] * 3
