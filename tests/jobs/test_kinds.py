"""Test that a new kind of work needs only a model, a function and a line of registration."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery.exceptions import Reject
from django.db import Error
from django.utils import timezone

from crm.models import WebhookDelivery
from emotions.models import Reanalysis, Snapshot
from jobs import kinds, outage
from jobs.kinds import do_jobs
from jobs.tasks import sweep
from jobs.work import ClaimLost, State, WorkQuerySet
from tests.support.broker import Message, Queue
from tests.support.databases import cut_connections, on_sqlite
from tests.support.rehearsals import count_one, rehearsals
from tests.support.threads import at_once, in_thread

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timezone.now() - timedelta(days=1)
ONE = [Message("jobs.kinds.do_jobs", [])]


class Script:
    """The steps of a kind of work: they raise the errors that a test sets, and then count."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def __call__(self, job: Any) -> bool:
        if self.errors:
            raise self.errors.pop(0)
        return count_one(job)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def model(script: Script) -> Iterator[Any]:
    with rehearsals(script) as made:
        yield made


def add(model: Any, **values: Any) -> Any:
    job = model.objects.create(**{"total": 2, **values})
    kinds.of(model).announce_on_commit()
    return job


def retry(job: Any) -> bool:
    action = kinds.of(type(job)).retry
    assert action
    return action(job)


def cancel(job: Any) -> bool:
    action = kinds.of(type(job)).cancel
    assert action
    return action(job)


def ended(job: Any) -> tuple[str, str]:
    job.refresh_from_db()
    return job.status, job.error


def test_a_job_is_done_step_by_step_and_ends(model: Any, queue: Queue) -> None:
    job = add(model)
    assert queue.messages() == ONE
    queue.work()
    assert ended(job) == (State.DONE, "")
    assert (job.done, job.attempts, job.claim_token) == (2, 1, None)
    assert job.finished_at


def test_its_messages_go_to_the_queue_of_jobs(model: Any, queue: Queue) -> None:
    add(model)
    assert [file.name.split(".")[-2] for file in queue.folder.glob("*.msg")] == ["jobs"]


def test_the_sweep_replaces_lost_messages(model: Any, queue: Queue) -> None:
    job = add(model)
    queue.take()
    sweep()
    assert queue.messages() == ONE
    queue.work()
    assert ended(job) == (State.DONE, "")


def test_an_error_makes_the_job_wait_longer_each_time_and_fails_it_at_last(
    model: Any, script: Script, queue: Queue
) -> None:
    job, waits = add(model), []
    script.errors = [ValueError("broken")] * 3
    for _ in range(3):
        before = timezone.now()
        do_jobs()
        job.refresh_from_db()
        waits.append(round((job.due_at - before).total_seconds()))
        model.objects.update(due_at=LONG_AGO)
    assert waits[:2] == [10, 20]
    assert ended(job) == (State.FAILED, model.GIVEN_UP)
    assert retry(job)
    do_jobs()
    assert ended(job) == (State.DONE, "")


def test_a_storage_that_is_out_of_reach_costs_no_attempt(model: Any, script: Script) -> None:
    job = add(model)
    script.errors = [ConnectionError("no storage")] * 5
    for _ in range(5):
        do_jobs()
        model.objects.update(due_at=LONG_AGO)
    job.refresh_from_db()
    assert (job.status, job.attempts) == (State.WAITING, 0)
    do_jobs()
    assert ended(job) == (State.DONE, "")


@pytest.mark.skipif(on_sqlite(), reason="SQLite has no connection that could break")
def test_a_lost_database_costs_no_attempt_and_leaves_the_message_in_the_queue(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(job: Any) -> bool:
        in_thread(cut_connections).result()
        return count_one(job)

    monkeypatch.setattr(outage, "PAUSE", 0)
    job = add(model)
    kinds.unregister(model)
    kinds.register(model, title="Rehearsals", singular="Rehearsal", run=cut)
    with pytest.raises((Reject, Error)):
        do_jobs()
    job.refresh_from_db()
    assert (job.status, job.attempts, job.done) == (State.WAITING, 0, 0)


def test_what_kills_its_worker_each_time_is_given_up_by_the_sweep(model: Any) -> None:
    job = add(model)
    for _ in range(3):
        assert model.objects.claim_next()
        model.objects.update(claim_expires_at=LONG_AGO)
        assert ended(job)[0] == State.CLAIMED
    assert model.objects.claim_next() is None
    sweep()
    assert ended(job) == (State.FAILED, model.GIVEN_UP)


def test_a_cancelled_job_stops_at_its_next_step(model: Any, script: Script) -> None:
    job = add(model, total=5)
    [claim] = model.objects.claim(1)
    held = model.objects.held_by(claim).get()
    assert cancel(job)
    kinds.of(model).line.do(claim)
    with pytest.raises(ClaimLost):
        held.advance(1)
    assert ended(job) == (State.CANCELLED, "Somebody cancelled it.")
    assert not cancel(job)


def test_one_that_lost_its_claim_in_a_step_stores_nothing(model: Any) -> None:
    job = add(model, total=5)
    kinds.unregister(model)

    def cancel_and_count(held: Any) -> bool:
        cancel(held)
        return count_one(held)

    kinds.register(model, title="Rehearsals", singular="Rehearsal", run=cancel_and_count)
    do_jobs()
    assert ended(job) == (State.CANCELLED, "Somebody cancelled it.")
    assert job.done == 0


def test_workers_at_once_do_each_step_once(model: Any) -> None:
    for _ in range(6):
        add(model, total=3)
    at_once(do_jobs, times=3)
    do_jobs()
    assert list(model.objects.values_list("status", "done")) == [(State.DONE, 3)] * 6


def test_several_rows_are_claimed_together_the_most_urgent_first(model: Any) -> None:
    bulk = add(model, makes_way=True, due_at=LONG_AGO)
    late, early = add(model), add(model, due_at=LONG_AGO)
    add(model, due_at=timezone.now() + timedelta(hours=1))
    first = model.objects.claim(2)
    assert [claim.pk for claim in first] == [early.pk, late.pk]
    assert [claim.pk for claim in model.objects.claim(5)] == [bulk.pk]
    assert model.objects.claim(5) == []
    assert model.objects.held_by(*first).count() == 2
    assert set(model.objects.values_list("attempts", flat=True)) == {0, 1}


def test_claims_of_several_at_once_share_no_row(model: Any) -> None:
    for _ in range(12):
        add(model)
    claims = [claim.pk for taken in at_once(lambda: model.objects.claim(5), times=4) for claim in taken]
    assert len(claims) == len(set(claims))
    assert len(claims) + len(model.objects.claim(12)) == 12


def test_a_renewed_claim_holds_longer_and_a_released_one_not_at_all(model: Any) -> None:
    add(model)
    [claim] = model.objects.claim(1)
    model.objects.update(claim_expires_at=LONG_AGO)
    assert model.objects.held_by(claim).renew() == 1
    assert not model.objects.waits()
    assert model.objects.held_by(claim).release(attempt_counts=False) == 1
    assert model.objects.waits()
    assert not model.objects.held_by(claim).exists()
    assert model.objects.get().attempts == 0


@pytest.mark.parametrize("model_of", [Snapshot, WebhookDelivery, Reanalysis])
def test_every_kind_has_a_meaning_for_each_of_its_statuses(model_of: Any) -> None:
    assert set(model_of.STATES) == set(model_of.Status.values)
    assert isinstance(kinds.of(model_of).rows, WorkQuerySet)
    for state in (State.WAITING, State.CLAIMED):
        assert len(model_of.statuses(state)) == 1


def test_a_sweep_that_fails_for_one_kind_goes_on_with_the_others(
    model: Any, queue: Queue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    add(model)
    queue.take()
    monkeypatch.setattr(Snapshot, "max_attempts", classmethod(lambda cls: 1 // 0))
    sweep()
    assert queue.messages() == ONE
    assert "The sweep of Photo analyses failed" in caplog.text
