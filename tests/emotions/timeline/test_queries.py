from datetime import timedelta

import pytest
from django.utils import timezone

from emotions.answers.queries import ADJECTIVES
from emotions.models import Snapshot
from emotions.timeline.cards import Card, card, with_faces
from emotions.timeline.queries import page_with, timeline_page
from ml.labels import EMOTIONS
from tests.support.factories import (
    CustomerFactory,
    EmotionRecordFactory,
    InteractionFactory,
    ModelVersionFactory,
    SnapshotFactory,
)

pytestmark = pytest.mark.django_db


def card_of(snapshot: Snapshot) -> Card:
    return card(with_faces(Snapshot.objects.all()).get(pk=snapshot.pk), ())


def test_every_emotion_has_an_adjective() -> None:
    assert set(ADJECTIVES) == set(EMOTIONS)


def test_a_card_shows_the_records_of_the_model_that_counts() -> None:
    snapshot = SnapshotFactory(analysed=True)
    EmotionRecordFactory(snapshot=snapshot, model_version=ModelVersionFactory(version="2"), dominant_emotion="sad")
    assert [face.answer.text for face in card_of(snapshot).faces] == ["appears happy"]


def test_the_subject_is_the_face_that_staff_chose() -> None:
    snapshot = SnapshotFactory(analysed=True)
    snapshot.records.update(is_subject=False)
    EmotionRecordFactory(snapshot=snapshot, face_index=1, is_subject=True, dominant_emotion="fear")
    shown = card_of(snapshot)
    assert shown.subject
    assert (shown.subject.number, shown.subject.answer.text) == (2, "appears afraid")
    assert [face.number for face in shown.others] == [1]


def test_scores_are_whole_percents_in_the_labels_order() -> None:
    scores = card_of(SnapshotFactory(analysed=True)).faces[0].scores
    assert [score.emotion for score in scores] == list(EMOTIONS)
    assert [score.percent for score in scores] == [5, 5, 5, 70, 5, 5, 5]
    assert [score.adjective for score in scores if score.dominant] == ["happy"]


def test_a_photo_that_waits_long_is_asked_after_less_often() -> None:
    new, old = SnapshotFactory(), SnapshotFactory(due_at=timezone.now() - timedelta(minutes=1))
    assert (card_of(new).poll_every, card_of(old).poll_every) == ("700ms", "5s")
    assert card_of(SnapshotFactory(no_face=True)).poll_every == ""


def test_a_page_holds_twenty_interactions_and_page_with_finds_them() -> None:
    customer = CustomerFactory()
    same_time = timezone.now() - timedelta(days=1)
    interactions = InteractionFactory.create_batch(45, customer=customer, occurred_at=same_time)
    for number in (1, 2, 3):
        page, entries = timeline_page(customer, number)
        assert {page_with(entry.interaction) for entry in entries} == {number}
        assert page.paginator.count == 45
    assert page_with(interactions[0]) == 3


def test_other_customers_interactions_are_not_shown() -> None:
    InteractionFactory()
    assert timeline_page(CustomerFactory(), 1)[1] == []
