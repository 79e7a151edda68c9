"""Test who may analyse a snapshot, and when it is released or given up."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from crm.models import WebhookDelivery
from emotions.models import Snapshot
from jobs.work import Claim
from tests.support.databases import on_sqlite
from tests.support.factories import SnapshotFactory
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(days=1)


def claim(snapshot: Snapshot) -> Claim:
    taken = Snapshot.objects.filter(pk=snapshot.pk).claim_next()
    assert taken
    return taken


def expire(snapshot: Snapshot) -> None:
    Snapshot.objects.filter(pk=snapshot.pk).update(claim_expires_at=LONG_AGO)


def test_a_claim_is_for_one() -> None:
    snapshot = SnapshotFactory()
    taken = claim(snapshot)
    assert Snapshot.objects.filter(pk=snapshot.pk).claim_next() is None
    assert Snapshot.objects.held_by(taken).get().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_gets_the_claim() -> None:
    snapshot = SnapshotFactory()
    claims = at_once(lambda: Snapshot.objects.filter(pk=snapshot.pk).claim_next(), times=5)
    assert len([each for each in claims if each]) == 1
    snapshot.refresh_from_db()
    assert snapshot.attempts == 1


@pytest.mark.parametrize("trait", ["analysed", "no_face", "failed", "withheld"])
def test_what_is_done_cannot_be_claimed(trait: str) -> None:
    assert Snapshot.objects.filter(pk=SnapshotFactory(**{trait: True}).pk).claim_next() is None


def test_what_does_not_exist_cannot_be_claimed() -> None:
    assert Snapshot.objects.filter(pk=12345).claim_next() is None


def test_what_is_not_due_cannot_be_claimed() -> None:
    snapshot = SnapshotFactory(due_at=timezone.now() + timedelta(minutes=1))
    assert Snapshot.objects.filter(pk=snapshot.pk).claim_next() is None
    assert not Snapshot.objects.waits()
    assert Snapshot.objects.claim_next() is None


def test_a_new_snapshot_is_due_on_a_machine_whose_clock_is_behind() -> None:
    snapshot = SnapshotFactory()
    snapshot.reset_to_pending()
    snapshot.save()
    assert Snapshot.objects.claimable(timezone.now() - timedelta(seconds=5)).exists()


def test_an_expired_claim_is_taken_over_and_the_late_one_holds_nothing() -> None:
    snapshot = SnapshotFactory()
    late = claim(snapshot)
    expire(snapshot)
    taken_over = claim(snapshot)
    assert not Snapshot.objects.held_by(late).exists()
    assert Snapshot.objects.held_by(taken_over).get().attempts == 2
    assert Snapshot.objects.held_by(late).fail("too late") == 0


def test_an_expired_claim_that_nobody_took_over_still_holds() -> None:
    snapshot = SnapshotFactory()
    slow = claim(snapshot)
    expire(snapshot)
    assert Snapshot.objects.held_by(slow).exists()


def test_retries_wait_longer_each_time(settings: Settings) -> None:
    settings.ANALYSIS_RETRY_DELAY, settings.ANALYSIS_MAX_ATTEMPTS = 10, 3
    snapshot, waits = SnapshotFactory(), []
    for attempt in (1, 2):
        Snapshot.objects.held_by(claim(snapshot)).release(Snapshot.retry_delay(attempt))
        snapshot.refresh_from_db()
        waits.append(round((snapshot.due_at - timezone.now()).total_seconds()))
        Snapshot.objects.filter(pk=snapshot.pk).update(due_at=LONG_AGO)
    assert waits == [10, 20]
    assert (snapshot.status, snapshot.claim_token) == (Snapshot.Status.PENDING, None)


def test_the_last_abandoned_attempt_is_worn_out_and_not_claimable(settings: Settings) -> None:
    settings.ANALYSIS_MAX_ATTEMPTS = 1
    snapshot = SnapshotFactory()
    claim(snapshot)
    assert not Snapshot.objects.worn_out(timezone.now()).exists()
    expire(snapshot)
    assert Snapshot.objects.worn_out(timezone.now()).get() == snapshot
    assert Snapshot.objects.filter(pk=snapshot.pk).claim_next() is None


def test_a_failure_is_cut_to_the_columns_length() -> None:
    snapshot = SnapshotFactory()
    Snapshot.objects.held_by(claim(snapshot)).fail("x" * 600)
    assert len(Snapshot.objects.get().error) == 500


def next_claimed() -> Snapshot:
    taken = Snapshot.objects.claim_next()
    assert taken
    return Snapshot.objects.get(pk=taken.pk)


def test_the_next_is_one_for_which_somebody_waits_and_then_who_waits_longest() -> None:
    bulk, oldest = SnapshotFactory(makes_way=True), SnapshotFactory(makes_way=True, due_at=LONG_AGO)
    SnapshotFactory(analysed=True)
    SnapshotFactory(due_at=timezone.now() + timedelta(minutes=1))
    urgent = SnapshotFactory()
    assert [next_claimed() for _ in range(3)] == [urgent, oldest, bulk]
    assert Snapshot.objects.claim_next() is None


def test_the_next_may_be_one_whose_claim_ran_out() -> None:
    snapshot = SnapshotFactory(due_at=LONG_AGO)
    claim(snapshot)
    SnapshotFactory()
    expire(snapshot)
    assert next_claimed() == snapshot


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_each_gets_another() -> None:
    for _ in range(5):
        SnapshotFactory()
    claims = at_once(Snapshot.objects.claim_next, times=5)
    assert len({each.pk for each in claims if each}) == 5


@pytest.mark.skipif(not on_sqlite(), reason="PostgreSQL chooses by how many rows there are")
def test_the_next_is_found_by_an_index_however_many_wait() -> None:
    with CaptureQueriesContext(connection) as captured:
        assert Snapshot.objects.claim_next() is None
        assert WebhookDelivery.objects.claim_next() is None
    plans = []
    for each in captured:
        if each["sql"].startswith("SELECT"):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {each['sql']}")
                plans.append(" ".join(row[3] for row in cursor.fetchall()))
    urgent, bulk, deliveries = plans
    for plan in (urgent, bulk):
        assert "USING INDEX snapshot_by_urgency (makes_way=? AND due_at<?)" in plan
        assert "TEMP B-TREE" not in plan
    assert "webhook_delivery_unfinished (endpoint_id=? AND makes_way=? AND due_at<?)" in deliveries
    assert "webhook_delivery_tests (endpoint_id=? AND due_at<?)" in deliveries
    assert "SCAN U0" not in deliveries


def test_several_are_claimed_at_once_and_half_of_a_few_is_left_to_others() -> None:
    waiting = [SnapshotFactory().pk for _ in range(7)]
    assert [each.pk for each in Snapshot.objects.claim(4)] == waiting[:4]
    assert [each.pk for each in Snapshot.objects.claim(4)] == waiting[4:6]
    assert [each.pk for each in Snapshot.objects.claim(4)] == waiting[6:]
    assert Snapshot.objects.claim(4) == []


def test_what_makes_way_is_not_claimed_together_with_what_somebody_waits_for() -> None:
    bulk = [SnapshotFactory(makes_way=True).pk for _ in range(8)]
    urgent = SnapshotFactory().pk
    assert [each.pk for each in Snapshot.objects.claim(4)] == [urgent]
    assert [each.pk for each in Snapshot.objects.claim(4)] == bulk[:4]


def test_what_was_attempted_before_is_claimed_alone() -> None:
    tried = [SnapshotFactory(attempts=1, due_at=LONG_AGO).pk for _ in range(2)]
    fresh = [SnapshotFactory().pk for _ in range(4)]
    assert [[each.pk for each in Snapshot.objects.claim(4)] for _ in range(2)] == [[tried[0]], [tried[1]]]
    late = SnapshotFactory(attempts=1).pk
    assert [each.pk for each in Snapshot.objects.claim(4)] == fresh
    assert [each.pk for each in Snapshot.objects.claim(4)] == [late]


def test_who_dies_with_several_has_used_up_no_attempt_of_theirs(settings: Settings) -> None:
    settings.ANALYSIS_MAX_ATTEMPTS = 1
    for _ in range(4):
        SnapshotFactory()
    assert len(Snapshot.objects.claim(4)) == 4
    Snapshot.objects.update(claim_expires_at=LONG_AGO)
    assert not Snapshot.objects.worn_out(timezone.now()).exists()
    assert [len(Snapshot.objects.claim(4)) for _ in range(5)] == [1, 1, 1, 1, 0]
    assert set(Snapshot.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_none_is_claimed_twice() -> None:
    for _ in range(12):
        SnapshotFactory()
    claims = [each.pk for several in at_once(lambda: Snapshot.objects.claim(4), times=5) for each in several]
    assert len(claims) == len(set(claims))
    assert Snapshot.objects.filter(status=Snapshot.Status.ANALYSING).count() == len(claims)
