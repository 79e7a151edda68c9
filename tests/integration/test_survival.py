"""Check that nothing is lost or stored twice, whatever is killed, stopped, repeated or wiped meanwhile."""

import os
import signal
from pathlib import Path

import pytest

from emotions.models import Snapshot
from emotions.snapshots.models import GIVEN_UP
from emotions.tasks import analyse_snapshots
from emotions.uploads.services import add_snapshot, add_snapshots
from jobs.tasks import sweep
from tests.support.accounting import assert_accounted_for, statuses
from tests.support.deployment import Deployment
from tests.support.factories import InteractionFactory, uploaded_bytes, uploaded_photo
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until

Status = Snapshot.Status
on_redis = pytest.mark.parametrize("broker", ["redis"], indirect=True)


def upload(count: int = 1) -> list[Snapshot]:
    interaction = InteractionFactory()
    return [add_snapshot(interaction, uploaded_photo(number)) for number in range(count)]


class Stuck:
    """A photo that cannot be read to its end: it is a pipe, and the analysis waits for more."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._path = Path(snapshot.file.path)
        self._snapshot = snapshot
        self._path.unlink()
        os.mkfifo(self._path)

    def wait_for_its_analysis(self) -> None:
        wait_until(lambda: self._status() == Status.ANALYSING, "the snapshot is being analysed")

    def mend(self) -> None:
        whole = self._path.with_suffix(".whole")
        whole.write_bytes(uploaded_bytes())
        whole.rename(self._path)

    def _status(self) -> str:
        return Snapshot.objects.values_list("status", flat=True).get(pk=self._snapshot.pk)


def wait_for_the_end_of_all() -> None:
    wait_until(lambda: not set(statuses()) & set(Snapshot.UNFINISHED), "every snapshot is done")


def assert_each_was_analysed_once(count: int, media: Path) -> None:
    assert statuses() == [Status.ANALYSED] * count
    assert_accounted_for([], media)


def test_photos_are_analysed_as_they_come_without_a_sweep(deployment: Deployment, media: Path) -> None:
    worker = deployment.worker(processes=2)
    upload(5)
    wait_for_the_end_of_all()
    assert_each_was_analysed_once(5, media)
    assert "Traceback" not in worker.log.read_text()


def test_a_task_delivered_five_times_is_done_once(deployment: Deployment, broker: str, media: Path) -> None:
    upload(2)
    for _ in range(5):
        analyse_snapshots.delay()
    worker = deployment.worker(processes=2)
    wait_until(lambda: worker.log.read_text().count("analyse_snapshots") >= 2 * 7, "every message is done")
    wait_for_the_end_of_all()
    assert_each_was_analysed_once(2, media)
    assert set(Snapshot.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.parametrize("whole", [False, True], ids=["child", "whole"])
def test_a_worker_killed_in_the_middle_loses_nothing(deployment: Deployment, media: Path, whole: bool) -> None:
    photo = Stuck(upload()[0])
    worker = deployment.worker()
    deployment.beat()
    photo.wait_for_its_analysis()
    if whole:
        worker.kill()
    else:
        os.kill(worker.children()[0], signal.SIGKILL)
    photo.mend()
    upload(2)
    if whole:
        deployment.worker()
    wait_for_the_end_of_all()
    assert_each_was_analysed_once(3, media)
    assert Snapshot.objects.order_by("pk")[0].attempts == 2


@on_redis
def test_a_photo_that_breaks_every_worker_is_given_up_and_holds_up_nobody(deployment: Deployment, media: Path) -> None:
    photo = Stuck(upload()[0])
    deployment.worker(ANALYSIS_MAX_ATTEMPTS="2")
    deployment.beat()
    upload(2)
    wait_for_the_end_of_all()
    assert statuses() == [Status.FAILED, Status.ANALYSED, Status.ANALYSED]
    assert Snapshot.objects.get(status=Status.FAILED).error == GIVEN_UP
    photo.mend()
    assert_accounted_for([], media, failed=1)


@on_redis
def test_uploads_survive_a_broker_that_stops(deployment: Deployment, redis_server: RedisServer, media: Path) -> None:
    deployment.worker()
    deployment.beat()
    upload()
    wait_for_the_end_of_all()
    redis_server.stop()
    upload(3)
    assert statuses() == [Status.ANALYSED] + [Status.PENDING] * 3
    redis_server.start()
    wait_for_the_end_of_all()
    assert_each_was_analysed_once(4, media)


@on_redis
def test_uploads_survive_a_broker_that_forgets(deployment: Deployment, redis_server: RedisServer, media: Path) -> None:
    upload(3)
    redis_server.client.flushall()
    deployment.worker()
    deployment.beat()
    wait_for_the_end_of_all()
    assert_each_was_analysed_once(3, media)


@on_redis
def test_a_sweep_reaches_a_worker_that_has_many_photos_to_do(deployment: Deployment, media: Path) -> None:
    upload(30)
    sweep.delay()
    worker = deployment.worker()
    wait_for_the_end_of_all()
    lines = [line for line in worker.log.read_text().splitlines() if "succeeded" in line]
    assert any("jobs.tasks.sweep" in line for line in lines[:10])
    assert_each_was_analysed_once(30, media)


def test_a_photo_that_somebody_waits_for_overtakes_many(deployment: Deployment, media: Path) -> None:
    add_snapshots(InteractionFactory(), [uploaded_photo(number) for number in range(20)], make_way=True)
    urgent = upload()[0]
    deployment.worker()
    wait_for_the_end_of_all()
    assert Snapshot.objects.earliest("finished_at") == urgent
    assert_each_was_analysed_once(21, media)


@on_redis
def test_a_process_that_has_grown_too_large_is_replaced_after_its_photo(deployment: Deployment, media: Path) -> None:
    worker = deployment.worker(WORKER_MAX_MEMORY="1")
    wait_until(worker.children, "its process is there")
    first = worker.children()
    upload(2)
    deployment.beat()
    wait_for_the_end_of_all()
    wait_until(lambda: set(worker.children()).isdisjoint(first), "the process is replaced")
    assert_each_was_analysed_once(2, media)


@pytest.mark.parametrize("broker", ["files"], indirect=True)
def test_a_worker_that_is_told_to_stop_ends_its_photo_first(deployment: Deployment, media: Path) -> None:
    photo = Stuck(upload()[0])
    worker = deployment.worker(ANALYSIS_TIME_LIMIT="58", ANALYSIS_LEASE="59")
    photo.wait_for_its_analysis()
    pipe = Path(Snapshot.objects.get().file.path)
    with pipe.open("wb") as other_end:
        worker.terminate()
        wait_until(lambda: "Warm shutdown" in worker.log.read_text(), "the worker has heard it")
        other_end.write(uploaded_bytes())
    assert worker.wait() == 0
    photo.mend()
    assert_each_was_analysed_once(1, media)
