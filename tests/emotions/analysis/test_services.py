"""Test the way from a claimed snapshot to its records, with the real pipeline in this process."""

import io
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from crm.consents.services import record_consent
from emotions.models import EmotionRecord, ModelVersion, Snapshot
from emotions.snapshots.models import GIVEN_UP
from ml.errors import ModelUnavailable
from tests.support.accounting import statuses, stray_files
from tests.support.analysing import analyse
from tests.support.factories import (
    ConsentFactory,
    InteractionFactory,
    SnapshotFactory,
    UserFactory,
    face,
    face_photo,
    faceless_photo,
    jpeg,
)
from tests.support.small_model import small_classifier, write_model
from tests.support.standing_still import Middle
from tests.support.threads import at_once, in_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("released_model")]
Status = Snapshot.Status
LONG_AGO = timezone.now() - timedelta(days=1)


def test_a_face_becomes_one_record() -> None:
    snapshot = SnapshotFactory()
    analyse(snapshot.pk)
    record = EmotionRecord.objects.get()
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.attempts, snapshot.error) == (Status.ANALYSED, 1, "")
    assert snapshot.model_version == record.model_version
    assert (snapshot.claim_token, snapshot.claim_expires_at) == (None, None)
    assert snapshot.finished_at
    assert 40 < record.box_x < 60 < record.box_width < 110
    assert record.is_subject
    assert sum(record.scores.values()) == pytest.approx(1, abs=1e-5)
    assert record.confidence == record.scores[record.dominant_emotion]  # type: ignore[index]


def test_the_face_is_kept_as_the_network_saw_it() -> None:
    analyse(SnapshotFactory().pk)
    seen = Image.open(io.BytesIO(EmotionRecord.objects.get().face_png))
    assert (seen.format, seen.mode, seen.size) == ("PNG", "L", (48, 48))
    assert np.asarray(seen).std() > 20


def test_landmarks_are_in_pixels_of_the_photo() -> None:
    analyse(SnapshotFactory().pk)
    points = EmotionRecord.objects.get().landmarks
    assert set(points) == {"left_eye", "right_eye", "nose", "mouth_left", "mouth_right"}
    assert points["left_eye"][0] < points["nose"][0] < points["right_eye"][0]
    assert points["nose"][1] < points["mouth_left"][1]


def test_no_face_is_a_result() -> None:
    analyse(SnapshotFactory(photo=faceless_photo()).pk)
    assert statuses() == [Status.NO_FACE]
    assert not EmotionRecord.objects.exists()


def test_of_several_faces_the_largest_is_the_customer() -> None:
    pair = Image.new("RGB", (400, 260))
    pair.paste(face().resize((144, 180)), (0, 40))
    pair.paste(face(), (200, 10))
    analyse(SnapshotFactory(photo=jpeg(pair)).pk)
    largest, other = EmotionRecord.objects.all()
    assert (largest.is_subject, other.is_subject) == (True, False)
    assert largest.box_x > 200 > other.box_x


def test_the_same_task_again_changes_nothing() -> None:
    snapshot = SnapshotFactory()
    for _ in range(3):
        analyse(snapshot.pk)
    snapshot.refresh_from_db()
    assert (snapshot.attempts, EmotionRecord.objects.count()) == (1, 1)


def test_the_same_task_at_once_stores_once() -> None:
    snapshot = SnapshotFactory()
    at_once(lambda: analyse(snapshot.pk), times=3)
    assert statuses() == [Status.ANALYSED]
    assert EmotionRecord.objects.count() == 1


def test_first_photos_at_once_share_one_model_version() -> None:
    ids = iter([SnapshotFactory().pk for _ in range(3)])
    at_once(lambda: analyse(next(ids)), times=3)
    assert statuses() == [Status.ANALYSED] * 3
    assert ModelVersion.objects.count() == 1


def test_a_photo_that_cannot_be_read_fails_at_once_and_says_why() -> None:
    snapshot = SnapshotFactory(photo=face_photo()[:3000])
    analyse(snapshot.pk)
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.attempts) == (Status.FAILED, 1)
    assert "incomplete or broken" in snapshot.error


def test_anything_else_is_retried_and_then_given_up(settings: Settings) -> None:
    settings.ANALYSIS_MAX_ATTEMPTS = 2
    snapshot = SnapshotFactory()
    Path(snapshot.file.path).unlink()
    analyse(snapshot.pk)
    assert statuses() == [Status.PENDING]
    Snapshot.objects.update(due_at=LONG_AGO)
    analyse(snapshot.pk)
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.error) == (Status.FAILED, GIVEN_UP)


def test_scores_that_the_database_refuses_are_retried_too(settings: Settings, tmp_path: Path) -> None:
    weights = small_classifier(scale=3e37)  # these weights make scores that are not numbers
    write_model(tmp_path / "models" / "reference-cnn", weights)
    settings.MODELS_DIR = tmp_path / "models"
    analyse(SnapshotFactory().pk)
    assert statuses() == [Status.PENDING]
    assert not EmotionRecord.objects.exists()


def test_without_the_model_snapshots_wait_unharmed(settings: Settings, tmp_path: Path) -> None:
    settings.MODELS_DIR = tmp_path
    snapshot = SnapshotFactory()
    with pytest.raises(ModelUnavailable, match=r"reference-cnn.*git checkout"):
        analyse(snapshot.pk)
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.attempts) == (Status.PENDING, 0)


@pytest.mark.parametrize("history", [[], [True, False]])
def test_without_a_standing_consent_the_photo_is_withheld(media: Path, history: list[bool]) -> None:
    snapshot = SnapshotFactory(interaction__customer__consenting=False)
    for granted in history:
        ConsentFactory(customer=snapshot.interaction.customer, granted=granted)
    analyse(snapshot.pk)
    assert statuses() == [Status.WITHHELD]
    assert not EmotionRecord.objects.exists()
    assert not stray_files(media)


def test_consent_withdrawn_in_the_middle_stores_nothing_and_deletes_the_photo(media: Path) -> None:
    snapshot = SnapshotFactory()
    middle = Middle(snapshot)
    by = UserFactory()
    record_consent(snapshot.interaction.customer, granted=False, obtained_by="written", recorded_by=by)
    middle.go_on()
    assert statuses() == [Status.WITHHELD]
    assert not EmotionRecord.objects.exists()
    assert not stray_files(media)


def test_the_consent_is_looked_at_again_before_storing(media: Path) -> None:
    """The withdrawal is noticed whatever wrote it. Here, nothing tells this app of it."""
    snapshot = SnapshotFactory()
    middle = Middle(snapshot)
    ConsentFactory(customer=snapshot.interaction.customer, granted=False)
    middle.go_on()
    assert statuses() == [Status.WITHHELD]
    assert not EmotionRecord.objects.exists()
    assert not stray_files(media)


def test_a_late_finisher_stores_nothing_once_another_has_taken_over() -> None:
    snapshot = SnapshotFactory()
    middle = Middle(snapshot)
    Snapshot.objects.update(claim_expires_at=LONG_AGO)
    successor = Snapshot.objects.filter(pk=snapshot.pk).claim_next()
    assert successor
    middle.go_on()
    assert not EmotionRecord.objects.exists()
    assert Snapshot.objects.held_by(successor).get().attempts == 2


def test_a_late_finisher_whom_nobody_replaced_stores() -> None:
    middle = Middle(SnapshotFactory())
    Snapshot.objects.update(claim_expires_at=LONG_AGO)
    middle.go_on()
    assert statuses() == [Status.ANALYSED]
    assert EmotionRecord.objects.count() == 1


def test_a_customer_deleted_in_the_middle_is_gone(media: Path) -> None:
    snapshot = SnapshotFactory()
    middle = Middle(snapshot)
    snapshot.interaction.customer.delete()
    middle.go_on()
    assert not Snapshot.objects.exists()
    assert not EmotionRecord.objects.exists()
    assert not stray_files(media)


def test_analyses_and_a_withdrawal_at_once_do_not_wait_for_each_other_forever(media: Path) -> None:
    interaction = InteractionFactory()
    ids = [SnapshotFactory(interaction=interaction).pk for _ in range(4)]
    running = [in_thread(lambda pk=pk: analyse(pk)) for pk in ids]  # type: ignore[misc]
    by = UserFactory()
    record_consent(interaction.customer, granted=False, obtained_by="written", recorded_by=by)
    for thread in running:
        thread.result()
    assert set(statuses()) <= {Status.ANALYSED, Status.WITHHELD}
    assert EmotionRecord.objects.count() == statuses().count(Status.ANALYSED)
    assert not stray_files(media)
