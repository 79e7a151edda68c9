"""Test `changed_at`: a client that asks for changes since a time gets everything that looks different since."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from crm.consents.services import record_consent
from crm.models import Consent
from emotions.corrections import services as corrections
from emotions.corrections.services import choose_subject
from emotions.model_management.services import activate
from emotions.models import EmotionRecord, Snapshot
from emotions.reanalyses.services import reanalyse_snapshot
from emotions.uploads import services
from jobs.tasks import sweep
from ml.labels import Emotion
from ml.registry import load_card
from tests.support.analysing import analyse, reanalyse
from tests.support.api import System
from tests.support.factories import (
    ConsentFactory,
    EmotionCorrectionFactory,
    EmotionRecordFactory,
    SnapshotFactory,
    UserFactory,
    checked,
    face_photo,
)
from tests.support.requests import ids_of
from tests.support.small_model import small_classifier, write_model

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timezone.now() - timedelta(days=1)
RECENTLY = {"changed_since": (LONG_AGO + timedelta(seconds=1)).isoformat()}


@pytest.fixture(autouse=True)
def models(settings: Settings, tmp_path: Path) -> None:
    """Return a folder with two models, of which "newer" is active."""
    settings.MODELS_DIR = tmp_path / "models"
    write_model(settings.MODELS_DIR / "reference-cnn", small_classifier())
    write_model(settings.MODELS_DIR / "newer", small_classifier(scale=0.03))
    activate("newer", load_card("newer", settings.MODELS_DIR).fingerprint, UserFactory())


def records_of(snapshot: Snapshot) -> list[EmotionRecord]:
    return list(snapshot.records.order_by("face_index"))


def waiting() -> Snapshot:
    snapshot: Snapshot = SnapshotFactory()
    return snapshot


def claimed() -> Snapshot:
    snapshot: Snapshot = SnapshotFactory()
    assert Snapshot.objects.filter(pk=snapshot.pk).claim_next()
    return snapshot


def abandoned() -> Snapshot:
    """Return a snapshot that killed its worker at every attempt."""
    snapshot = claimed()
    Snapshot.objects.filter(pk=snapshot.pk).update(attempts=99, claim_expires_at=LONG_AGO)
    return snapshot


def analysed() -> Snapshot:
    """Return a snapshot with two faces, of which the larger one is the subject."""
    snapshot: Snapshot = SnapshotFactory(analysed=True)
    EmotionRecordFactory(snapshot=snapshot, face_index=1)
    return snapshot


def corrected() -> Snapshot:
    snapshot: Snapshot = EmotionCorrectionFactory().record.snapshot
    return snapshot


def failed() -> Snapshot:
    snapshot: Snapshot = SnapshotFactory(failed=True)
    return snapshot


def withheld() -> Snapshot:
    snapshot: Snapshot = SnapshotFactory(withheld=True)
    return snapshot


def claim(snapshot: Snapshot) -> None:
    assert Snapshot.objects.filter(pk=snapshot.pk).claim_next()


def run(snapshot: Snapshot) -> None:
    analyse(snapshot.pk)


def fail(snapshot: Snapshot) -> None:
    Snapshot.objects.filter(pk=snapshot.pk).fail("This photo is broken.")


def release(snapshot: Snapshot) -> None:
    Snapshot.objects.filter(pk=snapshot.pk).release(Snapshot.retry_delay(1))


def postpone(snapshot: Snapshot) -> None:
    Snapshot.objects.filter(pk=snapshot.pk).release(Snapshot.retry_delay(1), attempt_counts=False)


def give_back(snapshot: Snapshot) -> None:
    Snapshot.objects.filter(pk=snapshot.pk).release(attempt_counts=False)


def give_up(snapshot: Snapshot) -> None:
    sweep()


def retry(snapshot: Snapshot) -> None:
    assert services.retry(snapshot)


def withdraw(snapshot: Snapshot) -> None:
    record_consent(snapshot.customer, granted=False, obtained_by=Consent.ObtainedBy.WRITTEN, recorded_by=UserFactory())


def upload_again(snapshot: Snapshot) -> None:
    """Upload the same file again, after the customer has agreed again."""
    ConsentFactory(customer=snapshot.customer)
    photo = checked(face_photo("again"))
    Snapshot.objects.filter(pk=snapshot.pk).update(sha256=photo.sha256, changed_at=LONG_AGO)
    services.add_snapshot(snapshot.interaction, photo)


def choose_another_face(snapshot: Snapshot) -> None:
    choose_subject(records_of(snapshot)[1])


def correct(snapshot: Snapshot) -> None:
    corrections.correct(records_of(snapshot)[0], Emotion.SAD, UserFactory())


def correct_a_bystander(snapshot: Snapshot) -> None:
    corrections.correct(records_of(snapshot)[1], Emotion.SAD, UserFactory())


def take_back(snapshot: Snapshot) -> None:
    corrections.take_back(records_of(snapshot)[0], UserFactory())


def analyse_anew(snapshot: Snapshot) -> None:
    reanalyse_snapshot(snapshot, UserFactory())
    reanalyse()


Make = Callable[[], Snapshot]
Change = Callable[[Snapshot], None]
CHANGES: list[tuple[Make, Change]] = [
    (waiting, claim),
    (waiting, run),
    (waiting, withdraw),
    (claimed, fail),
    (claimed, release),
    (claimed, postpone),
    (claimed, give_back),
    (abandoned, give_up),
    (failed, retry),
    (withheld, upload_again),
    (analysed, choose_another_face),
    (analysed, correct),
    (analysed, correct_a_bystander),
    (analysed, analyse_anew),
    (corrected, take_back),
]


def shown(api: System, snapshot: Snapshot) -> list[Any]:
    """Return what the API says about the photo and all its faces, without the time of the change."""
    faces = api.get("records", {"snapshot": str(snapshot.uuid), "subject": "any", "current": "any"}).json()["results"]
    said = [api.get(f"snapshots/{snapshot.uuid}").json(), *faces]
    for each in (*said, said[0]["result"] or {}):
        each.pop("changed_at", None)
    return said


@pytest.mark.parametrize(("make", "change"), CHANGES, ids=[f"{make.__name__}-{do.__name__}" for make, do in CHANGES])
def test_what_looks_different_is_among_the_changed_ones(make: Make, change: Change) -> None:
    snapshot, api = make(), System(user=UserFactory(is_superuser=True))
    SnapshotFactory.create_batch(2, no_face=True)
    Snapshot.objects.update(changed_at=LONG_AGO)
    before = shown(api, snapshot)
    assert ids_of(api.get("snapshots", RECENTLY)) == []
    change(snapshot)
    assert shown(api, snapshot) != before
    assert ids_of(api.get("snapshots", RECENTLY)) == [str(snapshot.uuid)]
    assert str(snapshot.uuid) not in ids_of(api.get("snapshots", {"changed_before": RECENTLY["changed_since"]}))


def again(snapshot: Snapshot) -> None:
    standing = records_of(snapshot)[0].correction
    assert standing
    assert standing.corrected_by
    corrections.correct(records_of(snapshot)[0], Emotion.SAD, standing.corrected_by)


def cannot_tell(snapshot: Snapshot) -> None:
    corrections.cannot_tell(records_of(snapshot)[0], UserFactory())


@pytest.mark.parametrize(("make", "change"), [(corrected, again), (analysed, cannot_tell)])
def test_what_looks_the_same_is_not(make: Make, change: Change) -> None:
    snapshot, api = make(), System()
    Snapshot.objects.update(changed_at=LONG_AGO)
    change(snapshot)
    assert ids_of(api.get("snapshots", RECENTLY)) == []


def test_pages_in_the_order_of_changes_hold_each_one_once_though_one_changes_meanwhile() -> None:
    """A photo that changes moves to the end of the list, which the reader has not reached yet."""
    first, second, third = SnapshotFactory(analysed=True), SnapshotFactory(analysed=True), SnapshotFactory()
    api = System()
    page = api.get("snapshots?ordering=changed_at&page_size=1").json()
    correct(first)
    seen = [row["id"] for row in page["results"]]
    while page["next"]:
        page = api.get(page["next"]).json()
        seen += [row["id"] for row in page["results"]]
    assert seen == [str(each.uuid) for each in (first, second, third, first)]


def test_records_are_found_by_the_change_of_their_photo() -> None:
    snapshot, api = analysed(), System()
    EmotionRecordFactory()
    Snapshot.objects.update(changed_at=LONG_AGO)
    choose_another_face(snapshot)
    rows = api.get("records", RECENTLY | {"ordering": "changed_at"}).json()["results"]
    assert [row["id"] for row in rows] == [str(records_of(snapshot)[1].uuid)]
    assert rows[0]["changed_at"] == api.get(f"snapshots/{snapshot.uuid}").json()["changed_at"]
