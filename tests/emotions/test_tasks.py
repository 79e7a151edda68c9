"""Enqueueing and sweeping: no message is lost for good, and none is sent twice."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from emotions import tasks
from emotions.models import Snapshot
from emotions.models.snapshot import GIVEN_UP
from emotions.services import add_snapshot
from tests.accounting import statuses
from tests.broker import Message, Queue, use_redis
from tests.factories import InteractionFactory, SnapshotFactory, uploaded_photo
from tests.servers import RedisServer
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)
Status = Snapshot.Status
LONG_AGO = timezone.now() - timedelta(days=1)
NOBODY_LISTENS = "redis://127.0.0.1:1/0"


def message(snapshot: Snapshot) -> Message:
    return Message("emotions.tasks.analyse_snapshot", [snapshot.pk])


def abandoned(attempts: int = 1) -> Snapshot:
    """A snapshot whose worker died a long time ago."""
    snapshot: Snapshot = SnapshotFactory(enqueued_at=LONG_AGO, attempts=attempts - 1)
    assert Snapshot.objects.claim(snapshot.pk)
    Snapshot.objects.update(claim_expires_at=LONG_AGO)
    return snapshot


def test_a_snapshot_is_enqueued_once(queue: Queue) -> None:
    snapshot = SnapshotFactory()
    tasks.enqueue([snapshot.pk])
    tasks.enqueue([snapshot.pk])
    assert queue.messages() == [message(snapshot)]


@pytest.mark.parametrize("trait", ["analysed", "no_face", "failed", "withheld"])
def test_what_is_done_is_not_enqueued(queue: Queue, trait: str) -> None:
    tasks.enqueue([SnapshotFactory(**{trait: True}).pk])
    tasks.sweep_snapshots()
    assert not queue.messages()


def test_with_the_broker_down_snapshots_wait_for_the_sweep(queue: Queue) -> None:
    waiting = [SnapshotFactory(), SnapshotFactory()]
    use_redis(NOBODY_LISTENS)
    tasks.enqueue([each.pk for each in waiting])
    assert set(Snapshot.objects.values_list("status", "enqueued_at")) == {(Status.PENDING, None)}
    queue.listen()
    tasks.sweep_snapshots()
    assert queue.messages() == [message(each) for each in waiting]


def test_a_broker_that_is_down_costs_one_attempt_and_not_one_for_each_photo(
    caplog: pytest.LogCaptureFixture,
) -> None:
    use_redis(NOBODY_LISTENS)
    tasks.enqueue([SnapshotFactory().pk for _ in range(3)])
    assert len([each for each in caplog.records if "waits for the sweep" in each.message]) == 1


def test_a_connection_that_broke_is_like_a_broker_that_is_down(redis_server: RedisServer) -> None:
    use_redis(redis_server.url)
    tasks.enqueue([SnapshotFactory().pk])
    redis_server.stop()
    snapshot = SnapshotFactory()
    tasks.enqueue([snapshot.pk])
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.enqueued_at) == (Status.PENDING, None)


def test_an_upload_with_the_broker_down_succeeds() -> None:
    use_redis(NOBODY_LISTENS)
    snapshot = add_snapshot(InteractionFactory(), uploaded_photo())
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.enqueued_at) == (Status.PENDING, None)


def test_the_sweep_enqueues_whose_message_was_lost(queue: Queue, settings: Settings) -> None:
    settings.REQUEUE_AFTER = 60
    lost = SnapshotFactory(enqueued_at=timezone.now() - timedelta(seconds=61))
    SnapshotFactory(enqueued_at=timezone.now())
    tasks.sweep_snapshots()
    assert queue.messages() == [message(lost)]


def test_the_sweep_enqueues_whose_worker_died(queue: Queue) -> None:
    snapshot = abandoned()
    tasks.sweep_snapshots()
    assert queue.messages() == [message(snapshot)]


def test_the_sweep_leaves_alone_who_is_being_analysed(queue: Queue) -> None:
    snapshot = SnapshotFactory(enqueued_at=LONG_AGO)
    assert Snapshot.objects.claim(snapshot.pk)
    tasks.sweep_snapshots()
    assert (statuses(), queue.messages()) == ([Status.ANALYSING], [])


def test_the_sweep_gives_up_what_broke_every_attempt(queue: Queue, settings: Settings) -> None:
    settings.ANALYSIS_MAX_ATTEMPTS = 3
    snapshot = abandoned(attempts=3)
    tasks.sweep_snapshots()
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.error, snapshot.claim_token) == (Status.FAILED, GIVEN_UP, None)
    assert snapshot.finished_at
    assert not queue.messages()


def test_the_sweep_adds_only_what_workers_lack(
    queue: Queue, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slow they are: a message that waits for long is not lost."""
    monkeypatch.setattr(tasks, "KEPT_BUSY_BY", 3)
    tasks.enqueue([SnapshotFactory().pk for _ in range(2)])
    for _ in range(4):
        SnapshotFactory(enqueued_at=LONG_AGO)
    settings.REQUEUE_AFTER = 0
    for _ in range(2):
        tasks.sweep_snapshots()
        assert len(queue.messages()) == 3
    queue.take()
    tasks.sweep_snapshots()
    assert len(queue.messages()) == 3


def test_a_sweep_with_the_broker_down_leaves_all_for_the_next(caplog: pytest.LogCaptureFixture, queue: Queue) -> None:
    snapshot = SnapshotFactory()
    use_redis(NOBODY_LISTENS)
    tasks.sweep_snapshots()
    assert "Nothing is added to celery: the broker cannot be reached" in caplog.text
    queue.listen()
    tasks.sweep_snapshots()
    assert queue.messages() == [message(snapshot)]


def test_sweeps_at_once_enqueue_once(queue: Queue) -> None:
    waiting = [SnapshotFactory() for _ in range(5)]
    at_once(tasks.sweep_snapshots, times=3)
    assert sorted(each.args for each in queue.messages()) == [[each.pk] for each in waiting]


def test_the_sweep_takes_those_first_that_wait_longest(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "KEPT_BUSY_BY", 1)
    SnapshotFactory()
    longest = SnapshotFactory(due_at=LONG_AGO)
    tasks.sweep_snapshots()
    assert queue.messages() == [message(longest)]


def test_the_sweep_does_not_wait_behind_the_photos(queue: Queue) -> None:
    tasks.enqueue([SnapshotFactory().pk])
    tasks.sweep_snapshots.delay()
    assert {file.name.rpartition(".msg")[0].rpartition(".")[2] for file in queue.folder.glob("*.msg")} == {
        "celery",
        "sweep",
    }


@pytest.mark.usefixtures("released_model")
def test_what_was_sent_is_what_a_worker_does(queue: Queue) -> None:
    tasks.enqueue([SnapshotFactory().pk])
    queue.work()
    assert statuses() == [Status.ANALYSED]


@pytest.mark.usefixtures("released_model")
def test_a_photo_for_which_nobody_waits_makes_way_and_its_message_goes_to_the_end(queue: Queue) -> None:
    many = [SnapshotFactory(makes_way=True) for _ in range(2)]
    tasks.enqueue([each.pk for each in many])
    urgent = SnapshotFactory()
    tasks.enqueue([urgent.pk])
    first = queue.take()[0]
    tasks.analyse_snapshot(*first.args)
    assert statuses() == [Status.PENDING, Status.PENDING, Status.ANALYSED]
    assert queue.messages() == [message(many[0])]
    queue.work()
    assert statuses() == [Status.ANALYSED, Status.PENDING, Status.ANALYSED]


def test_only_what_can_be_claimed_goes_ahead() -> None:
    patient = SnapshotFactory(makes_way=True)
    SnapshotFactory(analysed=True)
    SnapshotFactory(due_at=timezone.now() + timedelta(minutes=1))
    SnapshotFactory(makes_way=True, due_at=LONG_AGO)
    assert Snapshot.objects.claim(SnapshotFactory().pk)
    assert Snapshot.objects.ahead_of(patient.pk) is None
    urgent = SnapshotFactory()
    assert Snapshot.objects.ahead_of(patient.pk) == urgent.pk
    assert Snapshot.objects.ahead_of(urgent.pk) is None


def test_the_sweep_takes_those_first_for_which_somebody_waits(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "KEPT_BUSY_BY", 1)
    SnapshotFactory(makes_way=True, due_at=LONG_AGO)
    urgent = SnapshotFactory()
    tasks.sweep_snapshots()
    assert queue.messages() == [message(urgent)]
