"""Test what happens when somebody clicks on something that a colleague is deleting."""

from typing import Any

import pytest
from django.db import transaction

from crm.models import Consent, Customer, Interaction
from emotions.corrections.services import cannot_tell
from emotions.models import EmotionCorrection, EmotionRecord, Snapshot
from tests.support.api import System
from tests.support.databases import on_sqlite, somebody_waits_for_a_lock
from tests.support.factories import SnapshotFactory, UserFactory
from tests.support.threads import in_thread
from tests.support.waiting import wait_until
from tests.support.workspace import browser_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(on_sqlite(), reason="SQLite has one lock for everything"),
]
CONSENT = {"scope": "emotion_analysis", "obtained_by": "written"}
WITHDRAWAL = CONSENT | {"granted": False}


def answer_to(sender: Any, path: str, body: dict[str, Any], record: EmotionRecord) -> int:
    """Send a request while the record's customer is being deleted, and return the status of the answer."""
    customer = record.snapshot.interaction.customer
    with transaction.atomic():
        customer.delete()
        sending = in_thread(lambda: sender.post(path, body))
        wait_until(somebody_waits_for_a_lock, "the request waits for the deletion")
    answer = sending.result()
    assert not Customer.objects.exists()
    assert not Consent.objects.exists()
    assert not EmotionCorrection.objects.exists()
    return int(answer.status_code)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("customers/{customer}/consent/withdraw/", {"obtained_by": "written"}),
        ("snapshots/{snapshot}/faces/{record}/subject/", {}),
        ("snapshots/{snapshot}/faces/{record}/correct/", {"emotion": "sad"}),
        ("review/faces/{record}/correct/", {"emotion": "sad"}),
        ("review/faces/{record}/cannot-tell/", {}),
    ],
)
def test_a_page_says_that_it_is_gone(path: str, body: dict[str, Any]) -> None:
    record = SnapshotFactory(analysed=True).records.get()
    named = {"customer": record.snapshot.interaction.customer.uuid, "snapshot": record.snapshot.uuid}
    browser = browser_of(UserFactory(is_superuser=True))
    assert answer_to(browser, f"/admin/{path.format(record=record.pk, **named)}", body, record) == 404


def test_the_page_of_a_new_consent_says_that_it_is_gone() -> None:
    record = SnapshotFactory(analysed=True).records.get()
    consent = {"customer": record.snapshot.interaction.customer.pk, "granted": "yes"} | CONSENT
    browser = browser_of(UserFactory(is_superuser=True))
    assert answer_to(browser, "/admin/crm/consent/add/", consent, record) == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("consents", WITHDRAWAL),
        ("interactions", {"kind": "visit"}),
        ("records/{record}/corrections", {"emotion": "sad"}),
        ("records/{record}/subject", {}),
    ],
)
def test_the_api_says_that_it_is_gone(path: str, body: dict[str, Any]) -> None:
    record = SnapshotFactory(analysed=True).records.get()
    if path in ("consents", "interactions"):
        body = body | {"customer": str(record.snapshot.interaction.customer.uuid)}
    api = System(user=UserFactory(is_superuser=True))
    api.default_format = "json"
    assert answer_to(api, path.format(record=record.uuid), body, record) == 404


def test_a_photo_is_deleted_with_what_somebody_could_not_tell_in_this_moment() -> None:
    record = SnapshotFactory(analysed=True).records.get()
    with transaction.atomic():
        cannot_tell(record, UserFactory())
        deleting = in_thread(Snapshot.objects.get().delete)
        wait_until(somebody_waits_for_a_lock, "the deletion waits for the other")
    deleting.result()
    assert not Snapshot.objects.exists()


def test_a_customer_and_one_of_the_interactions_are_deleted_at_once() -> None:
    interaction = SnapshotFactory(analysed=True).interaction
    with transaction.atomic():
        Interaction.objects.select_for_update().get()
        deleting = in_thread(Customer.objects.get().delete)
        wait_until(somebody_waits_for_a_lock, "the deletion of the customer waits for the other")
        interaction.delete()
    deleting.result()
    assert not Customer.objects.exists()
