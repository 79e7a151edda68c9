"""Test corrections: what staff say of a face stands, whichever model analyses it."""

from functools import partial

import pytest
from django.db import connection
from django.urls import reverse

from crm.models import Customer
from emotions.corrections import services as corrections
from emotions.corrections.services import choose_subject
from emotions.models import EmotionCorrection, EmotionRecord
from emotions.reanalyses.services import reanalyse_snapshot
from emotions.sentiment.queries import sentiment
from ml.labels import VALENCE, Emotion
from tests.support.analysing import reanalyse
from tests.support.factories import (
    CustomerFactory,
    EmotionCorrectionFactory,
    EmotionRecordFactory,
    ModelVersionFactory,
    UserFactory,
)
from tests.support.threads import in_thread
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
OTHER_PLACE = {"box_x": 0, "box_y": 0, "box_width": 40, "box_height": 40}


def address(record: EmotionRecord, name: str = "correct") -> str:
    return reverse(f"emotions:{name}", args=[record.snapshot.uuid, record.pk])


def said(record: EmotionRecord) -> str | None:
    record.refresh_from_db()
    return record.correction.emotion if record.correction else None


def answered_by(version: str, like: EmotionRecord, **values: object) -> EmotionRecord:
    """Return the same snapshot's record from another model, which becomes the current one."""
    snapshot = like.snapshot
    snapshot.model_version = ModelVersionFactory(version=version)
    snapshot.save()
    return EmotionRecordFactory(snapshot=snapshot, **values)


def test_the_card_shows_both_answers_with_who_and_when() -> None:
    record, me = EmotionRecordFactory(), UserFactory(first_name="Sam", last_name="Rivera")
    answer = browser_of(me).post(address(record), {"emotion": "sad"}, headers=HTMX)
    page = text_of(answer.content)
    assert "Appears sad Said by Sam Rivera," in page
    assert "The model: appears happy 70%" in page
    assert answer.headers["HX-Trigger"] == "snapshot-finished"
    correction = EmotionCorrection.objects.get()
    assert (correction.record, correction.emotion, correction.corrected_by) == (record, "sad", me)


def test_without_scripts_the_browser_comes_back_to_the_card() -> None:
    record = EmotionRecordFactory()
    answer = browser_of().post(address(record), {"emotion": "sad"})
    assert answer.headers["Location"].endswith(f"#snapshot-{record.snapshot.uuid}")


@pytest.mark.parametrize("posted", [{}, {"emotion": ""}, {"emotion": "bored"}])
def test_what_is_no_emotion_is_refused(posted: dict[str, str]) -> None:
    record = EmotionRecordFactory()
    page = browser_of().post(address(record), posted, headers=HTMX).content
    assert "Nothing was saved. Choose" in text_of(page)
    assert not EmotionCorrection.objects.exists()


def test_only_the_customers_face_of_the_model_that_counts_can_be_corrected() -> None:
    old = EmotionRecordFactory()
    new = answered_by("2", old)
    somebody_else = EmotionRecordFactory(snapshot=old.snapshot, face_index=1)
    lost = EmotionRecordFactory(snapshot=old.snapshot, model_version=old.model_version, face_index=1, **OTHER_PLACE)
    browser = browser_of()
    statuses = [browser.post(address(each), {"emotion": "sad"}).status_code for each in (somebody_else, lost, new)]
    assert statuses == [404, 404, 302]


@pytest.mark.parametrize("name", ["correct", "review_correct"])
def test_of_a_page_from_before_a_re_analysis_the_same_face_is_meant(name: str) -> None:
    old = EmotionRecordFactory()
    new = answered_by("2", old)
    where = address(old) if name == "correct" else reverse(f"emotions:{name}", args=[old.pk])
    answer = browser_of().post(where, {"emotion": "sad"}, headers=HTMX)
    assert "Appears sad Said by" in text_of(answer.content)
    assert EmotionCorrection.objects.get().record == new
    assert (said(old), said(new)) == ("sad", "sad")


def test_the_newest_stands_and_the_history_stays() -> None:
    record = EmotionRecordFactory()
    for emotion in (Emotion.SAD, Emotion.FEAR):
        corrections.correct(record, emotion, UserFactory())
    assert said(record) == "fear"
    corrections.take_back(record, UserFactory())
    assert said(record) is None
    assert [each.emotion for each in record.corrections.all()] == ["", "fear", "sad"]


def test_a_double_click_says_it_once() -> None:
    record, me = EmotionRecordFactory(), UserFactory()
    for _ in range(2):
        corrections.correct(record, Emotion.SAD, me)
    for _ in range(2):
        corrections.take_back(record, me)
    assert [each.emotion for each in record.corrections.all()] == ["", "sad"]


@pytest.mark.django_db(transaction=True)
def test_of_two_people_at_once_the_later_one_stands() -> None:
    record, people = EmotionRecordFactory(), UserFactory.create_batch(4)
    emotions = (Emotion.SAD, Emotion.FEAR, Emotion.ANGRY, Emotion.SURPRISE)
    threads = [
        in_thread(partial(corrections.correct, record, emotion, by))
        for emotion, by in zip(emotions, people, strict=True)
    ]
    for thread in threads:
        thread.result()
    newest = EmotionCorrection.objects.first()
    assert newest
    assert said(record) == newest.emotion
    assert EmotionCorrection.objects.count() == 4


def test_it_stands_for_the_same_face_of_a_newer_model_only() -> None:
    record = EmotionRecordFactory()
    corrections.correct(record, Emotion.SAD, UserFactory())
    moved = answered_by("2", record, box_x=56, box_y=62)
    another = EmotionRecordFactory(snapshot=record.snapshot, face_index=1, **OTHER_PLACE)
    corrections.carry_over(record.snapshot, moved.model_version)
    assert [said(each) for each in (record, moved, another)] == ["sad", "sad", None]


@pytest.mark.usefixtures("released_model")
def test_it_stands_after_the_photo_is_analysed_again() -> None:
    record = EmotionCorrectionFactory().record
    reanalyse_snapshot(record.snapshot, UserFactory())
    reanalyse()
    (new,) = EmotionRecord.objects.current().filter(snapshot=record.snapshot)
    assert new.model_version != record.model_version
    assert (said(new), said(record)) == ("sad", "sad")
    assert EmotionCorrection.objects.count() == 1


def test_what_is_said_of_the_newer_models_answer_stands_for_the_older_one_too() -> None:
    old = EmotionRecordFactory()
    corrections.correct(old, Emotion.SAD, UserFactory())
    new = answered_by("2", old)
    corrections.carry_over(old.snapshot, new.model_version)
    corrections.correct(new, Emotion.FEAR, UserFactory())
    assert (said(old), said(new)) == ("fear", "fear")
    corrections.take_back(new, UserFactory())
    newest = answered_by("3", old)
    corrections.carry_over(old.snapshot, newest.model_version)
    assert [said(each) for each in (old, new, newest)] == [None, None, None]


def test_choosing_another_face_touches_no_correction() -> None:
    record = EmotionCorrectionFactory().record
    other = EmotionRecordFactory(snapshot=record.snapshot, face_index=1, **OTHER_PLACE)
    choose_subject(other)
    choose_subject(record)
    assert said(record) == "sad"


def test_the_chart_takes_what_a_person_said() -> None:
    customer = CustomerFactory()
    EmotionCorrectionFactory(record__snapshot__interaction__customer=customer, emotion="fear")
    (point,) = sentiment(customer).points
    assert (point.answer.text, point.valence) == ("appears afraid", VALENCE[Emotion.FEAR])
    page = browser_of().get(reverse("emotions:sentiment", args=[customer.uuid])).content
    assert b"rp-chart__dot--said" in page
    assert "appears afraid said by a person -0.64" in text_of(page)


def test_deleting_a_customer_deletes_what_was_said_and_an_account_does_not() -> None:
    correction = EmotionCorrectionFactory()
    correction.corrected_by.delete()
    correction.refresh_from_db()
    assert correction.corrected_by is None
    page = browser_of().get(reverse("emotions:snapshot", args=[correction.record.snapshot.uuid])).content
    assert "Said by a former colleague" in text_of(page)
    Customer.objects.all().delete()
    assert not EmotionCorrection.objects.exists()
    connection.check_constraints()
