"""Test a snapshot's card: its states, how a page polls for news, retry, and the choice of the subject."""

import pytest
from django.urls import reverse

from crm.consents.services import record_consent
from emotions.models import EmotionRecord, Snapshot
from tests.support.broker import Queue
from tests.support.factories import (
    EmotionRecordFactory,
    InteractionFactory,
    ModelVersionFactory,
    SnapshotFactory,
    UserFactory,
)
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db
Status = Snapshot.Status
HTMX = {"HX-Request": "true"}


def card(snapshot: Snapshot, state: str = "") -> str:
    return f"{reverse('emotions:snapshot', args=[snapshot.uuid])}?state={state}"


def retry(snapshot: Snapshot) -> str:
    return reverse("emotions:retry", args=[snapshot.uuid])


def choose(record: EmotionRecord) -> str:
    return reverse("emotions:choose_subject", args=[record.snapshot.uuid, record.pk])


def analysing() -> Snapshot:
    snapshot = SnapshotFactory()
    Snapshot.objects.filter(pk=snapshot.pk).claim_next()
    return snapshot


@pytest.mark.parametrize(
    ("trait", "says"),
    [
        ("analysed", "Appears happy 70%"),
        ("no_face", "No face found A face is found when"),
        ("failed", "could not be analysed The analysis broke off several times"),
        ("withheld", "Withheld The customer withdrew the consent"),
    ],
)
def test_a_finished_card_says_how_it_ended_and_asks_no_more(trait: str, says: str) -> None:
    snapshot = SnapshotFactory(**{trait: True})
    answer = browser_of().get(card(snapshot))
    assert says in text_of(answer.content)
    assert f'data-status="{snapshot.status}"'.encode() in answer.content
    assert b"hx-trigger" not in answer.content
    assert answer.headers["HX-Trigger"] == "snapshot-finished"


def test_a_withheld_card_has_no_photo() -> None:
    assert b"<img" not in browser_of().get(card(SnapshotFactory(withheld=True))).content


def test_a_card_that_waits_asks_for_news() -> None:
    answer = browser_of().get(card(SnapshotFactory()))
    assert "Waiting to be analysed" in text_of(answer.content)
    assert b'hx-trigger="every 700ms"' in answer.content
    assert "HX-Trigger" not in answer.headers


def test_a_card_that_is_being_analysed_says_so() -> None:
    answer = browser_of().get(card(analysing(), "pending-700ms"))
    assert "Analysing" in text_of(answer.content)
    assert b'data-status="analysing"' in answer.content


def test_there_is_no_content_while_there_is_no_news() -> None:
    assert browser_of().get(card(SnapshotFactory(), "pending-700ms")).status_code == 204


def test_the_result_is_also_announced_to_people_who_hear_the_page() -> None:
    page = browser_of().get(card(SnapshotFactory(analysed=True), "analysing-700ms")).content
    assert "The customer appears happy, confidence 70 percent." in text_of(page)
    assert b'role="status" hx-swap-oob' in page


def test_retry_puts_a_failed_snapshot_back(queue: Queue) -> None:
    snapshot = SnapshotFactory(failed=True)
    answer = browser_of().post(retry(snapshot), headers=HTMX)
    assert b'data-status="pending"' in answer.content
    assert Snapshot.objects.get().status == Status.PENDING


def test_retry_works_without_scripts() -> None:
    old = SnapshotFactory(failed=True)
    InteractionFactory.create_batch(20, customer=old.interaction.customer)
    old.interaction.occurred_at = old.interaction.occurred_at.replace(year=2020)
    old.interaction.save()
    answer = browser_of().post(retry(old))
    timeline = reverse("emotions:timeline", args=[old.interaction.customer.uuid])
    assert answer.headers["Location"] == f"{timeline}?page=2#snapshot-{old.uuid}"
    assert Snapshot.objects.get().status == Status.PENDING


def test_retry_without_consent_says_why_not() -> None:
    snapshot = SnapshotFactory(failed=True)
    record_consent(snapshot.interaction.customer, granted=False, obtained_by="written", recorded_by=UserFactory())
    browser = browser_of()
    answer = browser.post(retry(snapshot), headers=HTMX)
    assert "The customer withdrew the consent" in text_of(answer.content)
    assert "The customer withdrew the consent" in text_of(browser.post(retry(snapshot), follow=True).content)
    assert Snapshot.objects.get().status == Status.FAILED


def test_retry_of_one_that_has_not_failed_changes_nothing() -> None:
    snapshot = SnapshotFactory(analysed=True)
    assert b'data-status="analysed"' in browser_of().post(retry(snapshot), headers=HTMX).content


def test_retry_cannot_be_a_link() -> None:
    assert browser_of().get(retry(SnapshotFactory(failed=True))).status_code == 405


def test_with_several_faces_staff_say_which_is_the_customer() -> None:
    snapshot = SnapshotFactory(analysed=True)
    other = EmotionRecordFactory(snapshot=snapshot, face_index=1, dominant_emotion="sad")
    browser = browser_of()
    before = browser.get(card(snapshot))
    assert before.content.count(b"rp-box--subject") == 1
    assert "Appears happy 70%" in text_of(before.content)
    assert "Face 2 This face is the customer" in text_of(before.content)
    assert "appears sad" not in text_of(before.content)  # nobody asked about that face
    after = browser.post(choose(other), headers=HTMX)
    assert "Appears sad 70%" in text_of(after.content)
    assert after.headers["HX-Trigger"] == "snapshot-finished"
    assert EmotionRecord.objects.get(is_subject=True) == other


def test_choosing_a_face_works_without_scripts() -> None:
    snapshot = SnapshotFactory(analysed=True)
    other = EmotionRecordFactory(snapshot=snapshot, face_index=1)
    assert browser_of().post(choose(other)).headers["Location"].endswith(f"#snapshot-{snapshot.uuid}")
    assert EmotionRecord.objects.get(is_subject=True) == other


def test_choosing_a_face_on_a_page_from_before_a_re_analysis_means_the_same_face() -> None:
    snapshot = SnapshotFactory(analysed=True)
    places = [{"box_x": 0, "box_width": 40}, {"box_x": 90, "box_width": 40}]
    shown = EmotionRecordFactory(snapshot=snapshot, face_index=1, is_subject=False, **places[1])
    snapshot.model_version = ModelVersionFactory(version="2")
    snapshot.save()
    for index, place in enumerate(places):
        EmotionRecordFactory(snapshot=snapshot, face_index=index, is_subject=index == 0, **place)
    assert browser_of().post(choose(shown), headers=HTMX).status_code == 200
    assert EmotionRecord.objects.current().get(is_subject=True).face_index == 1


def test_a_face_of_another_snapshot_is_not_found() -> None:
    record = SnapshotFactory(analysed=True).records.get()
    elsewhere = SnapshotFactory(analysed=True)
    address = reverse("emotions:choose_subject", args=[elsewhere.uuid, record.pk])
    assert browser_of().post(address).status_code == 404
