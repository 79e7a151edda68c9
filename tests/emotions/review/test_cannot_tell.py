"""Test that a person can say that they cannot tell what a face shows."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from crm.models import Consent, User
from emotions.corrections import services as corrections
from emotions.corrections.export import export_corrections
from emotions.models import CannotTell, EmotionCorrection, EmotionRecord
from emotions.review.queries import agreement, faces_to_review
from tests.support.factories import (
    ConsentFactory,
    EmotionCorrectionFactory,
    EmotionRecordFactory,
    ModelVersionFactory,
    UserFactory,
)
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db
REVIEW = "/admin/review/"


def press(browser: Client, action: str, record: EmotionRecord) -> str:
    answer = browser.post(reverse(f"emotions:{action}", args=[record.pk]), headers={"HX-Request": "true"})
    assert answer.status_code == 200
    return text_of(answer.content)


def shown(user: User) -> list[EmotionRecord]:
    return [item.subject.record for item in faces_to_review(user).faces]


def test_the_face_leaves_this_persons_list_until_it_is_taken_back() -> None:
    record, me, colleague = EmotionRecordFactory(is_subject=True), UserFactory(first_name="Sam"), UserFactory()
    browser = browser_of(me)
    assert "I cannot tell" in text_of(browser.get(REVIEW).content)
    said = press(browser, "cannot_tell", record)
    assert "Sam could not tell," in said
    assert "This face has left your list" in said
    assert (shown(me), shown(colleague)) == ([], [record])
    assert "I cannot tell" in press(browser, "can_tell", record)
    assert shown(me) == [record]


def test_a_second_click_changes_nothing() -> None:
    record, browser = EmotionRecordFactory(is_subject=True), browser_of()
    for _ in range(2):
        press(browser, "cannot_tell", record)
    assert CannotTell.objects.count() == 1


def test_the_models_answer_stands_and_is_not_judged() -> None:
    record, me = EmotionRecordFactory(is_subject=True), UserFactory()
    corrections.cannot_tell(record, me)
    record.refresh_from_db()
    assert record.correction is None
    assert not EmotionCorrection.objects.exists()
    (version,) = agreement(me)
    assert (version.judged.faces, version.could_not_tell) == (0, 1)


def test_the_page_of_agreement_counts_faces_by_model_and_class_not_people() -> None:
    me, older, newer = UserFactory(), ModelVersionFactory(), ModelVersionFactory(version="2")
    of_two, of_one = (EmotionRecordFactory(is_subject=True, model_version=older) for _ in range(2))
    for record, by in ((of_two, me), (of_two, UserFactory()), (of_one, me)):
        corrections.cannot_tell(record, by)
    EmotionCorrectionFactory(record=of_one)
    corrections.cannot_tell(EmotionRecordFactory(is_subject=True, model_version=newer), me)
    others = EmotionRecordFactory(is_subject=True, snapshot__interaction__customer__owner=UserFactory())
    corrections.cannot_tell(others, me)
    assert [(each.version, each.could_not_tell, each.judged.faces) for each in agreement(me)] == [
        (newer, 1, 0),
        (older, 2, 1),
    ]
    page = text_of(browser_of(me).get(reverse("emotions:agreement")).content)
    assert "Faces that somebody could not tell 2" in page
    assert "happy 100% 1 of 1 2" in page


def test_the_timeline_says_who_could_not_tell_until_somebody_can() -> None:
    record, me = EmotionRecordFactory(is_subject=True), UserFactory(first_name="Sam")
    corrections.cannot_tell(record, me)
    browser = browser_of(me)
    timeline = reverse("emotions:timeline", args=[record.snapshot.interaction.customer.uuid])
    page = text_of(browser.get(timeline).content)
    assert "Appears happy" in page
    assert "Sam could not tell," in page
    me.delete()
    assert "A former colleague could not tell," in text_of(browser_of().get(timeline).content)


def test_a_new_model_does_not_ask_again() -> None:
    record, me = EmotionRecordFactory(is_subject=True), UserFactory()
    corrections.cannot_tell(record, me)
    newer = ModelVersionFactory(version="2")
    again = EmotionRecordFactory(snapshot=record.snapshot, model_version=newer, is_subject=True)
    corrections.carry_over(record.snapshot, newer)
    record.snapshot.model_version = newer
    record.snapshot.save()
    assert shown(UserFactory()) == [again]
    assert shown(me) == []
    first, second = CannotTell.objects.order_by("pk")
    assert (second.record, second.created_at) == (again, first.created_at)


@pytest.mark.usefixtures("released_model")
def test_it_is_not_exported(settings: Settings, tmp_path: Path) -> None:
    settings.EXPORT_CORRECTIONS = True
    record = EmotionRecordFactory(is_subject=True)
    ConsentFactory(customer=record.snapshot.interaction.customer, scope=Consent.Scope.MODEL_TRAINING)
    corrections.cannot_tell(record, UserFactory())
    assert export_corrections(tmp_path / "faces").faces == 0


def test_another_persons_customer_is_not_found() -> None:
    record = EmotionRecordFactory(is_subject=True, snapshot__interaction__customer__owner=UserFactory())
    for action in ("cannot_tell", "can_tell"):
        answer = browser_of().post(reverse(f"emotions:{action}", args=[record.pk]))
        assert answer.status_code == 404
    assert not CannotTell.objects.exists()


def test_without_scripts_the_list_stays_where_it_was() -> None:
    record = EmotionRecordFactory(is_subject=True)
    address = reverse("emotions:cannot_tell", args=[record.pk])
    answer = browser_of().post(f"{address}?emotion=happy", follow=True)
    assert answer.redirect_chain == [(f"{REVIEW}?emotion=happy", 302)]
    assert "The face has left your list" in text_of(answer.content)


def test_the_list_takes_as_many_queries_for_many(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    browser, others = browser_of(), UserFactory.create_batch(3)
    corrections.cannot_tell(EmotionRecordFactory(is_subject=True), others[0])
    with django_assert_max_num_queries(100) as few:
        browser.get(REVIEW)
    for record in EmotionRecordFactory.create_batch(4, is_subject=True):
        for other in others:
            corrections.cannot_tell(record, other)
    with django_assert_max_num_queries(len(few)):
        browser.get(REVIEW)
