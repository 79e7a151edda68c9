"""Test what the database itself refuses."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from emotions.models import EmotionRecord, ModelVersion, Snapshot
from ml.labels import EMOTIONS
from tests.support.factories import EmotionRecordFactory, ModelVersionFactory, SnapshotFactory, UserFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def refused_by(constraint: str, rows: Any, **values: Any) -> bool:
    """Tell whether this constraint refuses the update. For a unique constraint, SQLite names only its columns."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        rows.update(**values)
    return constraint in str(caught.value)


@pytest.mark.parametrize(
    ("constraint", "trait", "values"),
    [
        ("snapshot_status_known", "failed", {"status": "lost"}),
        ("snapshot_claimed_with_a_lease", None, {"status": "analysing"}),
        ("snapshot_claimed_with_a_lease", None, {"status": "analysing", "claim_token": uuid4()}),
        ("snapshot_claimed_with_a_lease", None, {"status": "analysing", "claim_expires_at": NOW}),
        ("snapshot_claimed_with_a_lease", None, {"claim_token": uuid4(), "claim_expires_at": NOW}),
        ("snapshot_claimed_with_a_lease", "no_face", {"claim_expires_at": NOW}),
        ("snapshot_file_unless_withheld", None, {"file": ""}),
        ("snapshot_file_unless_withheld", "analysed", {"status": "withheld"}),
        ("snapshot_finished_at_the_end", None, {"finished_at": NOW}),
        ("snapshot_finished_at_the_end", None, {"status": "no_face"}),
        ("snapshot_finished_at_the_end", "analysed", {"finished_at": None}),
        ("snapshot_failed_says_why", "failed", {"error": ""}),
        ("snapshot_has_pixels", None, {"width": 0}),
        ("snapshot_has_pixels", None, {"height": 0}),
    ],
)
def test_a_wrong_snapshot_is_refused(constraint: str, trait: str | None, values: dict[str, Any]) -> None:
    snapshot = SnapshotFactory(**{trait: True} if trait else {})
    assert refused_by(constraint, Snapshot.objects.filter(pk=snapshot.pk), **values)


def test_the_same_photo_is_once_in_an_interaction_but_may_be_in_others() -> None:
    snapshot = SnapshotFactory()
    SnapshotFactory(photo=snapshot.file.read())
    with pytest.raises(IntegrityError):
        SnapshotFactory(interaction=snapshot.interaction, sha256=snapshot.sha256)


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("record_box_not_empty", {"box_width": 0}),
        ("record_box_not_empty", {"box_height": 0}),
        ("record_scores_between_0_and_1", {"detection_confidence": 1.01}),
        ("record_scores_between_0_and_1", {"detection_confidence": -0.01}),
        ("record_scores_between_0_and_1", {"score_sad": -0.05, "score_fear": 0.15}),
        ("record_scores_sum_to_1", {"score_neutral": 0.06}),
        ("record_scores_sum_to_1", {f"score_{emotion}": 0.0 for emotion in EMOTIONS} | {"confidence": 0.0}),
        ("record_valence_between_minus_1_and_1", {"valence": 1.1}),
        ("record_valence_between_minus_1_and_1", {"valence": -1.1}),
        ("record_confidence_is_highest_score", {"confidence": 0.71}),
        ("record_confidence_is_highest_score", {"confidence": 0.05}),
        ("record_emotion_has_highest_score", {"dominant_emotion": "bored"}),
    ],
)
def test_a_wrong_record_is_refused(constraint: str, values: dict[str, Any]) -> None:
    record = EmotionRecordFactory()
    assert refused_by(constraint, EmotionRecord.objects.filter(pk=record.pk), **values)


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_the_dominant_emotion_is_the_one_with_the_highest_score(emotion: str) -> None:
    record = EmotionRecordFactory(dominant_emotion=emotion)
    other = next(each for each in EMOTIONS if each != emotion)
    wrong = EmotionRecord.objects.filter(pk=record.pk)
    assert refused_by("record_emotion_has_highest_score", wrong, dominant_emotion=other)


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(IntegrityError):
        EmotionRecordFactory(score_happy=float("nan"), confidence=float("nan"), valence=0.0)


def test_one_record_per_face_and_model_version() -> None:
    record = EmotionRecordFactory()
    EmotionRecordFactory(snapshot=record.snapshot, face_index=1)
    EmotionRecordFactory(snapshot=record.snapshot, model_version=ModelVersionFactory(version="2"))
    with pytest.raises(IntegrityError):
        EmotionRecordFactory(snapshot=record.snapshot, is_subject=False)


def test_one_face_of_a_snapshot_is_the_customer() -> None:
    record = EmotionRecordFactory()
    with pytest.raises(IntegrityError):
        EmotionRecordFactory(snapshot=record.snapshot, face_index=1, is_subject=True)


def test_a_model_version_is_once() -> None:
    version = ModelVersionFactory()
    with pytest.raises(IntegrityError):
        ModelVersion.objects.create(name=version.name, version=version.version, sha256=version.sha256)


def test_a_model_version_with_records_stays() -> None:
    with pytest.raises(ProtectedError):
        EmotionRecordFactory().model_version.delete()


def test_only_the_records_of_the_version_that_counts_are_current() -> None:
    snapshot = SnapshotFactory(analysed=True)
    EmotionRecordFactory(snapshot=snapshot, model_version=ModelVersionFactory(version="0.9"), dominant_emotion="sad")
    assert [record.dominant_emotion for record in snapshot.records.current()] == ["happy"]


def test_snapshots_and_records_are_visible_with_their_customer() -> None:
    me, colleague = UserFactory(), UserFactory()
    record = EmotionRecordFactory(snapshot__interaction__customer__owner=me)
    assert list(EmotionRecord.objects.visible_to(me)) == [record]
    assert list(Snapshot.objects.visible_to(me)) == [record.snapshot]
    assert not EmotionRecord.objects.visible_to(colleague).exists()
    assert not Snapshot.objects.visible_to(colleague).exists()


def test_scores_come_in_the_order_of_fer_2013() -> None:
    assert list(EmotionRecordFactory().scores) == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
