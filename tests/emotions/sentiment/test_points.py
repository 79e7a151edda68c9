"""Test that sentiment points follow everything that changes the emotion of a customer's face."""

import random
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.consents.services import record_consent
from crm.models import User
from emotions.answers.queries import answer
from emotions.corrections.services import choose_subject, correct, take_back
from emotions.models import EmotionCorrection, EmotionRecord, SentimentPoint, Snapshot
from emotions.reanalyses.services import reanalyse_snapshot
from emotions.sentiment import points as sentiment_points
from emotions.sentiment.points import refresh_points
from ml.labels import EMOTIONS, VALENCE, Emotion
from tests.support.analysing import analyse, reanalyse
from tests.support.factories import (
    EmotionRecordFactory,
    ModelVersionFactory,
    SnapshotFactory,
    UserFactory,
    faceless_photo,
)

pytestmark = pytest.mark.django_db(transaction=True)


def said(**records: Any) -> tuple[str, bool]:
    point = SentimentPoint.objects.get(**records)
    return point.emotion, point.by_person


def kept() -> dict[int, list[object]]:
    points = SentimentPoint.objects.values_list("pk", "customer", "captured_at", "emotion", "by_person", "valence")
    return {pk: fields for pk, *fields in points}


def recomputed() -> dict[int, list[object]]:
    """Compute the expected points photo by photo and record by record."""
    found: dict[int, list[object]] = {}
    for snapshot in Snapshot.objects.all():
        for record in snapshot.records.filter(is_subject=True, model_version=snapshot.model_version_id):
            stands, customer = answer(record), snapshot.interaction.customer_id
            emotion = stands.emotion or ""
            found[snapshot.pk] = [customer, snapshot.captured_at, emotion, stands.by_person, stands.valence]
    return found


def two_faces() -> list[EmotionRecord]:
    """Create two faces: the first, happy, is the customer; the second is sad."""
    snapshot = SnapshotFactory(analysed=True)
    far = EmotionRecordFactory(snapshot=snapshot, face_index=1, dominant_emotion="sad", box_x=300)
    return [snapshot.records.get(face_index=0), far]


@pytest.mark.usefixtures("released_model")
def test_an_analysis_makes_a_point() -> None:
    snapshot = SnapshotFactory()
    analyse(snapshot.pk)
    assert kept() == recomputed()
    assert list(kept()) == [snapshot.pk]


@pytest.mark.usefixtures("released_model")
def test_a_photo_without_a_face_makes_none() -> None:
    snapshot = SnapshotFactory(photo=faceless_photo())
    analyse(snapshot.pk)
    assert kept() == {}


def test_what_a_person_says_counts_until_it_is_taken_back() -> None:
    record, by = SnapshotFactory(analysed=True).records.get(), UserFactory()
    correct(record, Emotion.FEAR, by)
    assert said() == ("fear", True)
    assert SentimentPoint.objects.get().valence == VALENCE[Emotion.FEAR]
    take_back(record, by)
    assert said() == ("happy", False)
    assert SentimentPoint.objects.get().valence == record.valence


def test_the_face_that_staff_choose_counts() -> None:
    _, other = two_faces()
    choose_subject(other)
    assert said() == ("sad", False)


def test_what_is_said_of_another_face_changes_nothing() -> None:
    _, other = two_faces()
    correct(other, Emotion.FEAR, UserFactory())
    assert said() == ("happy", False)


def test_an_uncertain_answer_has_no_emotion() -> None:
    EmotionRecordFactory(
        snapshot=SnapshotFactory(finished="analysed", model_version=ModelVersionFactory(uncertain_below=0.8))
    )
    assert said() == ("", False)


@pytest.mark.usefixtures("released_model")
def test_the_model_that_counts_now_says_it() -> None:
    snapshot = SnapshotFactory(analysed=True)
    run = reanalyse_snapshot(snapshot, UserFactory())
    reanalyse()
    snapshot.refresh_from_db()
    assert snapshot.model_version == run.model_version
    assert kept() == recomputed()


def test_the_point_goes_with_its_snapshot_and_with_its_customer() -> None:
    first, second = SnapshotFactory(analysed=True), SnapshotFactory(analysed=True)
    first.delete()
    assert list(kept()) == [second.pk]
    second.interaction.customer.delete()
    assert kept() == {}


def test_a_withheld_snapshot_has_none() -> None:
    snapshot = SnapshotFactory(analysed=True)
    Snapshot.objects.filter(pk=snapshot.pk).update(status="pending", finished_at=None)
    record_consent(snapshot.interaction.customer, granted=False, obtained_by="in_person", recorded_by=UserFactory())
    assert Snapshot.objects.get().status == "withheld"
    assert kept() == {}


def test_nothing_is_kept_of_a_change_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    record = SnapshotFactory(analysed=True).records.get()
    monkeypatch.setattr(sentiment_points, "answer", None)  # making the point fails
    with pytest.raises(TypeError):
        correct(record, Emotion.FEAR, UserFactory())
    assert said() == ("happy", False)
    assert not EmotionCorrection.objects.exists()


def change(chance: random.Random, by: User) -> None:
    """Do one thing, chosen at random, that may happen to a photo."""
    record = chance.choice(list(EmotionRecord.objects.all()))
    match chance.randrange(10):
        case 0:
            EmotionRecord.objects.get(pk=record.pk).snapshot.delete() if Snapshot.objects.count() > 2 else None
        case 1:
            reanalyse_snapshot(record.snapshot, by)
            reanalyse()
        case 2 | 3:
            choose_subject(record)
        case 4 | 5:
            take_back(record, by)
        case _:
            correct(record, chance.choice(EMOTIONS), by)


@pytest.mark.usefixtures("released_model")
@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_the_points_are_what_they_would_be_anew(seed: int) -> None:
    chance, by = random.Random(seed), UserFactory()  # noqa: S311 - the same for a seed
    for _ in range(4):
        two_faces()
    for _ in range(25):
        change(chance, by)
        assert kept() == recomputed()


def rebuild(*arguments: str) -> str:
    output = StringIO()
    call_command("rebuild_sentiment", *arguments, stdout=output)
    return output.getvalue()


def wrong_points() -> list[Snapshot]:
    """Make one point missing, one superfluous and one wrong, and leave one correct."""
    snapshots: list[Snapshot] = [SnapshotFactory(analysed=True) for _ in range(4)]
    SentimentPoint.objects.filter(pk=snapshots[0].pk).delete()
    Snapshot.objects.filter(pk=snapshots[1].pk).update(model_version=None)
    SentimentPoint.objects.filter(pk=snapshots[2].pk).update(valence=0.25)
    return snapshots


def test_the_command_mends_what_differs() -> None:
    wrong_points()
    assert "3 of 4 snapshots differ and were corrected" in rebuild()
    assert kept() == recomputed()
    assert len(kept()) == 3
    assert "0 of 4 snapshots differ." in rebuild("--check")


def test_the_command_only_checks_when_asked_to() -> None:
    wrong_points()
    before = kept()
    with pytest.raises(CommandError, match="3 of 4 snapshots differ"):
        rebuild("--check")
    assert kept() == before


def test_the_command_goes_on_where_it_was_stopped() -> None:
    snapshots = wrong_points()
    assert "1 of 2 snapshots differs" in rebuild("--after", str(snapshots[1].pk))
    with pytest.raises(CommandError, match="2 of 4"):
        rebuild("--check")


def test_batches_are_compared_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentiment_points, "BATCH", 3)
    snapshots = wrong_points()
    steps = list(sentiment_points.rebuild())
    assert steps == [(snapshots[2].pk, 3, 3), (snapshots[3].pk, 1, 0)]


def test_a_point_costs_two_queries() -> None:
    snapshot = SnapshotFactory(analysed=True)
    with CaptureQueriesContext(connection) as queries:
        refresh_points([snapshot.pk])
    assert len([each for each in queries if each["sql"].startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))]) == 2
