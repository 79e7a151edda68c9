"""Test a kind of work without a task of its own, with real workers: nothing is lost when one is killed."""

from collections.abc import Iterator
from typing import Any

import pytest

from jobs import kinds
from jobs.work import State
from tests.support.deployment import Deployment, Program
from tests.support.rehearsals import count_one, rehearsals
from tests.support.waiting import wait_until


@pytest.fixture
def model(transactional_db: None) -> Iterator[Any]:
    with rehearsals(count_one) as made:
        yield made


def worker(deployment: Deployment, name: str) -> Program:
    queues = ("--queues", "webhooks,webhooks-sweep,jobs", "--hostname", f"{name}@%h", "--concurrency", "2")
    return deployment.start(name, "tests.support.rehearsing_worker", "-A", "jobs", "worker", *queues)


def test_a_job_whose_worker_is_killed_goes_on_where_it_was(deployment: Deployment, model: Any) -> None:
    deployment.beat()
    first = worker(deployment, "first")
    job = model.objects.create(total=3)
    kinds.of(model).announce_on_commit()

    def has_begun() -> bool:
        job.refresh_from_db()
        return bool(job.done == 1)

    wait_until(has_begun, "the first step is done")
    first.kill()
    worker(deployment, "second")

    def has_ended() -> bool:
        job.refresh_from_db()
        return not job.is_unfinished

    wait_until(has_ended, "the job ends")
    assert (job.status, job.done) == (State.DONE, 3)


def test_two_workers_share_the_jobs(deployment: Deployment, model: Any) -> None:
    # A first attempt would stand still, so these count one already.
    model.objects.bulk_create(model(total=5, attempts=1) for _ in range(20))
    deployment.beat()
    workers = [worker(deployment, name) for name in ("first", "second")]
    wait_until(lambda: not model.objects.unfinished().exists(), "all jobs end")
    assert set(model.objects.values_list("status", "done")) == {(State.DONE, 5)}
    assert all("Traceback" not in each.log.read_text() for each in workers)
