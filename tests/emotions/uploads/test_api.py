"""Test snapshots in the API: their state, waiting for results, lists, deletion and retry."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from crm.models import IdempotentRequest, Scope
from emotions.models import Snapshot
from emotions.uploads.api.waiting import PLACES
from tests.support.accounting import stray_files
from tests.support.analysing import analyse
from tests.support.api import System
from tests.support.broker import Queue
from tests.support.factories import (
    ConsentFactory,
    CustomerFactory,
    EmotionCorrectionFactory,
    EmotionRecordFactory,
    InteractionFactory,
    ModelVersionFactory,
    SnapshotFactory,
    UserFactory,
)
from tests.support.requests import NEVER, errors_of, ids_of, photo
from tests.support.threads import in_thread
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db
Status = Snapshot.Status


def test_a_pending_snapshot_has_no_result_yet() -> None:
    snapshot = SnapshotFactory()
    body = System().get(f"snapshots/{snapshot.uuid}").json()
    assert (body["status"], body["result"], body["model"], body["faces"]) == ("pending", None, None, 0)
    assert (body["width"], body["height"], body["finished_at"]) == (snapshot.width, snapshot.height, None)


def test_an_analysed_snapshot_carries_the_customers_record() -> None:
    snapshot = SnapshotFactory(analysed=True)
    EmotionRecordFactory(snapshot=snapshot, face_index=1)
    body, api = System().get(f"snapshots/{snapshot.uuid}").json(), System()
    assert body["faces"] == 2
    assert body["model"] == {"name": "reference-cnn", "version": "1"}
    assert body["result"] == api.get(f"records/{snapshot.records.get(face_index=0).uuid}").json()


def test_results_are_for_keys_that_may_read_them() -> None:
    snapshot = SnapshotFactory(analysed=True)
    api = System(Scope.SNAPSHOTS_READ)
    assert api.get(f"snapshots/{snapshot.uuid}").json()["result"] is None
    assert api.get("snapshots", {"emotion": "happy"}).json()["code"] == "scope_missing"


def test_a_failed_snapshot_says_why() -> None:
    body = System().get(f"snapshots/{SnapshotFactory(failed=True).uuid}").json()
    assert body["status"] == "failed"
    assert "administrator" in body["error"]


@pytest.mark.usefixtures("released_model")
@pytest.mark.django_db(transaction=True)
def test_a_request_waits_for_the_result() -> None:
    api, snapshot = System(), SnapshotFactory()
    free = PLACES._value
    waiting = in_thread(lambda: api.get(f"snapshots/{snapshot.uuid}", {"wait": 10}))
    wait_until(lambda: PLACES._value < free, "the request waits")
    analyse(snapshot.pk)
    body = waiting.result().json()
    assert body["status"] == "analysed"
    assert sum(body["result"]["scores"].values()) == pytest.approx(1, abs=1e-3)
    assert PLACES._value == free


@pytest.mark.usefixtures("released_model")
@pytest.mark.django_db(transaction=True)
def test_an_upload_waits_for_its_results() -> None:
    api, interaction = System(), InteractionFactory()
    photos = {"photos": [photo(1), photo(2)]}
    uploading = in_thread(lambda: api.post(f"interactions/{interaction.uuid}/snapshots?wait=10", photos))
    wait_until(lambda: Snapshot.objects.count() == 2, "both are stored")
    for pk in Snapshot.objects.values_list("pk", flat=True):
        analyse(pk)
    assert [each["status"] for each in uploading.result().json()["results"]] == ["analysed", "analysed"]


def test_waiting_ends_with_the_time() -> None:
    assert System().get(f"snapshots/{SnapshotFactory().uuid}", {"wait": 1}).json()["status"] == "pending"


@pytest.mark.django_db(transaction=True)
def test_waiting_for_what_is_deleted_ends_too() -> None:
    api, snapshot = System(), SnapshotFactory()
    free = PLACES._value
    waiting = in_thread(lambda: api.get(f"snapshots/{snapshot.uuid}", {"wait": 10}))
    wait_until(lambda: PLACES._value < free, "the request waits")
    snapshot.delete()
    assert waiting.result().status_code == 404


def test_when_too_many_wait_the_next_one_does_not() -> None:
    taken = 0
    while PLACES.acquire(blocking=False):
        taken += 1
    try:
        assert System().get(f"snapshots/{SnapshotFactory().uuid}", {"wait": 10}).json()["status"] == "pending"
    finally:
        PLACES.release(taken)


@pytest.mark.parametrize("wait", ["11", "-1", "1.5", "forever", "NaN"])
def test_nobody_waits_forever(wait: str) -> None:
    assert errors_of(System().get(f"snapshots/{SnapshotFactory().uuid}", {"wait": wait})).keys() == {"wait"}
    assert errors_of(System().post(f"snapshots?wait={wait}", {"photos": [photo()]})).keys() == {"wait"}


def test_lists_do_not_wait() -> None:
    assert errors_of(System().get("snapshots", {"wait": 1})) == {"wait": "unknown"}


def test_snapshots_come_newest_first() -> None:
    first, second = SnapshotFactory(), SnapshotFactory()
    assert ids_of(System().get("snapshots")) == [str(second.uuid), str(first.uuid)]


def test_those_of_an_interaction() -> None:
    snapshot, _ = SnapshotFactory(), SnapshotFactory()
    assert ids_of(System().get(f"interactions/{snapshot.interaction.uuid}/snapshots")) == [str(snapshot.uuid)]
    assert System().get(f"interactions/{NEVER}/snapshots").status_code == 404


def test_filters() -> None:
    customer = CustomerFactory(source="crm", external_id="7")
    taken = datetime(2026, 3, 1, 12, tzinfo=UTC)
    wanted = SnapshotFactory(analysed=True, interaction__customer=customer, captured_at=taken)
    SnapshotFactory(captured_at=taken + timedelta(days=1))
    api = System()
    for asked in (
        {"status": "analysed"},
        {"customer": customer.uuid},
        {"customer_source": "crm", "customer_external_id": "7"},
        {"interaction": wanted.interaction.uuid},
        {"captured_after": "2026-03-01T12:00:00Z", "captured_before": "2026-03-02T12:00:00Z"},
        {"finished_since": "2026-01-01T00:00:00Z"},
        {"emotion": "happy"},
        {"created_after": "2026-01-01T00:00:00Z", "ordering": "-finished_at"},
    ):
        assert ids_of(api.get("snapshots", asked)) == [str(wanted.uuid)], asked
    assert ids_of(api.get("snapshots", {"emotion": "sad"})) == []


def test_uncertain_and_corrected_snapshots_are_found_by_what_stands() -> None:
    careful = ModelVersionFactory(version="2", uncertain_below=0.9)
    uncertain = EmotionRecordFactory(snapshot__model_version=careful).snapshot
    corrected = EmotionCorrectionFactory(emotion="fear").record.snapshot
    api = System()
    assert ids_of(api.get("snapshots", {"emotion": "fear"})) == [str(corrected.uuid)]
    assert ids_of(api.get("snapshots", {"emotion": "uncertain"})) == [str(uncertain.uuid)]


def test_pages_ordered_by_the_end_hold_each_finished_one_once() -> None:
    finished = [SnapshotFactory(no_face=True) for _ in range(3)]
    SnapshotFactory()
    api, address, seen = System(), "snapshots?ordering=finished_at&page_size=2", list[str]()
    while address:
        answer = api.get(address)
        seen += ids_of(answer)
        address = answer.json()["next"]
    assert seen == [str(each.uuid) for each in finished]


def test_a_list_takes_the_same_queries_for_one_and_for_twenty(django_assert_num_queries: Any) -> None:
    api = System()
    api.get("snapshots")  # the first request also stores when the key was used
    for rows in (1, 20):
        for _ in range(rows - Snapshot.objects.count()):
            EmotionCorrectionFactory()
        with django_assert_num_queries(7):  # the key, its rate (2), snapshots, records, models and corrections
            assert len(ids_of(api.get("snapshots"))) == rows


def test_snapshots_out_of_reach_are_not_there() -> None:
    foreign = SnapshotFactory(analysed=True, interaction__customer__owner=UserFactory())
    api = System()
    assert ids_of(api.get("snapshots")) == []
    for method, part in (("get", ""), ("delete", ""), ("post", "/retry"), ("get", "/photo"), ("get", "/preview")):
        assert getattr(api, method)(f"snapshots/{foreign.uuid}{part}").status_code == 404
    assert api.get(f"interactions/{foreign.interaction.uuid}/snapshots").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_who_may_delete_snapshots_deletes_photo_and_results(media: Path) -> None:
    api, snapshot = System(), SnapshotFactory(analysed=True)
    assert api.delete(f"snapshots/{snapshot.uuid}").status_code == 403
    api.user.user_permissions.add(Permission.objects.get(codename="delete_snapshot"))
    stale = api.send("DELETE", f"snapshots/{snapshot.uuid}", If_Match='"stale"')
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert api.delete(f"snapshots/{snapshot.uuid}").status_code == 204
    assert not Snapshot.objects.exists()
    assert not stray_files(media)
    assert api.delete(f"snapshots/{snapshot.uuid}").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_failed_snapshot_is_tried_again(queue: Queue) -> None:
    snapshot = SnapshotFactory(failed=True)
    answer = System().post(f"snapshots/{snapshot.uuid}/retry")
    assert (answer.status_code, answer.json()["status"], answer.json()["error"]) == (202, "pending", "")
    assert len(queue.messages()) == 1


def test_what_has_not_failed_is_not_tried_again() -> None:
    answer = System().post(f"snapshots/{SnapshotFactory(analysed=True).uuid}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_failed")


def test_without_consent_nothing_is_tried_again() -> None:
    snapshot = SnapshotFactory(failed=True)
    ConsentFactory(customer=snapshot.interaction.customer, granted=False)
    answer = System().post(f"snapshots/{snapshot.uuid}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "consent_withdrawn")


def test_an_unchanged_snapshot_is_not_sent_again() -> None:
    api, address = System(), f"snapshots/{SnapshotFactory(analysed=True).uuid}"
    etag = api.get(address).headers["ETag"]
    assert api.get(address, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.django_db(transaction=True)
def test_the_same_idempotency_key_is_the_same_interaction() -> None:
    customer, api, key = CustomerFactory(), System(), {"Idempotency-Key": "one"}
    answers = [
        api.post("snapshots", {"photos": [photo()], "customer": str(customer.uuid)}, headers=key) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert customer.interactions.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_a_killed_request_stored_is_found_by_its_idempotency_key() -> None:
    customer, api, key = CustomerFactory(), System(), {"Idempotency-Key": "one"}
    fields = {"customer": str(customer.uuid)}
    first = api.post("snapshots", {"photos": [photo()], **fields}, headers=key)
    IdempotentRequest.objects.update(status_code=None, lease_expires_at=timezone.now() - timedelta(seconds=1))
    again = api.post("snapshots", {"photos": [photo()], **fields}, headers=key)
    assert again.json() == first.json()
    assert customer.interactions.count() == 1
