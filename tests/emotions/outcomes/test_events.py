"""Test the webhooks that report how an analysis ended and what people corrected."""

from typing import Any

import pytest

from crm.models import WebhookMessage
from emotions.consents.services import withhold_unfinished
from emotions.corrections.services import choose_subject, correct, take_back
from emotions.models import EmotionCorrection, EmotionRecord, Snapshot
from emotions.outcomes.services import fail
from emotions.reanalyses.services import NothingToDo, reanalyse_everything
from emotions.snapshots.models import GIVEN_UP
from jobs.tasks import sweep
from ml.labels import Emotion
from tests.support.analysing import analyse, reanalyse
from tests.support.factories import EmotionRecordFactory, SnapshotFactory, UserFactory
from tests.support.webhooks import WebhookEndpointFactory

pytestmark = pytest.mark.django_db


def told(beginning: str = "snapshot.") -> list[tuple[str, dict[str, Any]]]:
    messages = WebhookMessage.objects.filter(type__startswith=beginning).order_by("pk")
    return [(each.type, each.payload["data"]) for each in messages]


def the_only(beginning: str = "snapshot.") -> tuple[str, dict[str, Any]]:
    [one] = told(beginning)
    return one


@pytest.mark.usefixtures("released_model")
def test_an_analysed_photo_is_told_with_its_result() -> None:
    snapshot = SnapshotFactory()
    WebhookEndpointFactory()
    analyse(snapshot.pk)
    event, data = the_only()
    record = EmotionRecord.objects.get()
    assert event == "snapshot.analysed"
    assert data["cause"] == "analysis"
    assert data["snapshot"]["id"] == str(snapshot.uuid)
    assert data["snapshot"]["url"] == f"/api/v1/snapshots/{snapshot.uuid}"
    assert data["interaction"]["id"] == str(snapshot.interaction.uuid)
    assert data["customer"]["id"] == str(snapshot.interaction.customer.uuid)
    assert data["result"] == {
        "record_id": str(record.uuid),
        "dominant_emotion": record.dominant_emotion,
        "confidence": record.confidence,
        "valence": record.valence,
        "model": {"name": "reference-cnn", "version": record.model_version.version},
    }


def test_a_result_below_the_models_limit_is_uncertain() -> None:
    record = EmotionRecordFactory()
    record.model_version.uncertain_below = 0.9
    record.model_version.save()
    WebhookEndpointFactory()
    choose_subject(record)
    event, data = the_only()
    assert (event, data["cause"]) == ("snapshot.analysed", "subject_chosen")
    assert data["result"]["dominant_emotion"] == "uncertain"


@pytest.mark.usefixtures("released_model")
def test_a_photo_without_a_face_is_told() -> None:
    snapshot = SnapshotFactory(photo=SnapshotFactory.build(no_face=True).file.read())
    WebhookEndpointFactory()
    analyse(snapshot.pk)
    event, data = the_only()
    assert event == "snapshot.no_face"
    assert "result" not in data


@pytest.mark.usefixtures("released_model")
def test_a_photo_that_cannot_be_read_is_told() -> None:
    snapshot = SnapshotFactory()
    WebhookEndpointFactory()
    with snapshot.file.storage.open(snapshot.file.name, "wb") as file:
        file.write(b"no photo")
    analyse(snapshot.pk)
    event, data = the_only()
    assert event == "snapshot.failed"
    assert data["snapshot"]["error"] == Snapshot.objects.get().error != ""


def test_a_photo_that_is_given_up_is_told_once() -> None:
    snapshot = SnapshotFactory(attempts=2)
    WebhookEndpointFactory()
    assert Snapshot.objects.filter(pk=snapshot.pk).claim_next()
    Snapshot.objects.update(claim_expires_at=snapshot.created_at)
    sweep()
    sweep()
    event, data = the_only()
    assert (event, data["snapshot"]["error"]) == ("snapshot.failed", GIVEN_UP)


def test_who_lost_the_claim_tells_nothing() -> None:
    snapshot = SnapshotFactory()
    WebhookEndpointFactory()
    claim = Snapshot.objects.filter(pk=snapshot.pk).claim_next()
    assert claim
    Snapshot.objects.update(status="pending", claim_token=None, claim_expires_at=None)
    assert fail(Snapshot.objects.held_by(claim), "late") == 0
    assert told() == []


def test_a_withheld_photo_ends_in_silence() -> None:
    snapshot = SnapshotFactory()
    WebhookEndpointFactory()
    withhold_unfinished(snapshot.interaction.customer)
    assert told() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("released_model")
def test_another_models_answer_is_told_and_the_same_models_is_not() -> None:
    snapshot = SnapshotFactory(analysed=True)
    WebhookEndpointFactory()
    reanalyse_everything(UserFactory(), only_missing=False)
    reanalyse()
    with pytest.raises(NothingToDo):
        reanalyse_everything(UserFactory(), only_missing=False)
    event, data = the_only()
    assert (event, data["cause"], data["snapshot"]["id"]) == ("snapshot.analysed", "reanalysis", str(snapshot.uuid))
    assert data["result"]["record_id"] == str(EmotionRecord.objects.current().get().uuid)


def test_a_correction_is_told_and_its_repetition_is_not() -> None:
    record, staff = EmotionRecordFactory(), UserFactory()
    WebhookEndpointFactory()
    for _ in range(2):
        correct(record, Emotion.SAD, staff)
    take_back(record, staff)
    (event, corrected), (_, taken_back) = told("correction.")
    newest, first = EmotionCorrection.objects.all()
    assert event == "correction.created"
    assert corrected["correction"]["id"] == str(first.uuid)
    assert corrected["correction"]["record_id"] == str(record.uuid)
    assert (corrected["correction"]["emotion"], taken_back["correction"]["emotion"]) == ("sad", None)
    assert taken_back["correction"]["id"] == str(newest.uuid)
