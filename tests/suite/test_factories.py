"""Check that the database and the pipeline accept what the factories make."""

import pytest
from PIL import Image

from crm.models import Consent
from emotions.models import Snapshot
from tests.support.factories import CustomerFactory, EmotionRecordFactory, SnapshotFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("trait", ["analysed", "no_face", "failed", "withheld"])
def test_a_snapshot_of_each_status(trait: str) -> None:
    snapshot = SnapshotFactory(**{trait: True})
    snapshot.full_clean()
    assert snapshot.status == trait
    assert snapshot.records.count() == (trait == "analysed")
    assert bool(snapshot.file) == (trait != "withheld")


def test_a_snapshot_without_a_face_shows_none() -> None:
    assert Image.open(SnapshotFactory(no_face=True).file).size == (200, 133)


def test_a_pending_snapshot_has_its_photo() -> None:
    snapshot = SnapshotFactory()
    assert snapshot.status == Snapshot.Status.PENDING
    assert snapshot.file.read()[:3] == b"\xff\xd8\xff"


def test_the_records_of_a_snapshot_count() -> None:
    snapshot = SnapshotFactory(analysed=True)
    EmotionRecordFactory(snapshot=snapshot, face_index=1, dominant_emotion="sad")
    faces = snapshot.records.current()
    assert [(face.dominant_emotion, face.is_subject) for face in faces] == [("happy", True), ("sad", False)]


@pytest.mark.parametrize("consenting", [True, False])
def test_a_customers_consent(consenting: bool) -> None:
    customer = CustomerFactory(consenting=consenting)
    assert Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS) is consenting
