"""Test emotion records and corrections in the API."""

from datetime import UTC, datetime
from typing import Any

import pytest

from crm.models import Scope
from emotions.models import EmotionCorrection, EmotionRecord
from ml.labels import VALENCE, Emotion
from tests.support.api import System
from tests.support.factories import (
    CustomerFactory,
    EmotionCorrectionFactory,
    EmotionRecordFactory,
    ModelVersionFactory,
    SnapshotFactory,
    UserFactory,
)
from tests.support.requests import NEVER, errors_of, ids_of

pytestmark = pytest.mark.django_db


def uncertain_record() -> EmotionRecord:
    record: EmotionRecord = EmotionRecordFactory(
        snapshot__model_version=ModelVersionFactory(version="2", uncertain_below=0.9)
    )
    return record


def test_a_record_says_what_the_model_saw() -> None:
    record = EmotionRecordFactory(dominant_emotion="sad")
    body = System().get(f"records/{record.uuid}").json()
    assert (body["emotion"], body["dominant_emotion"], body["confidence"]) == ("sad", "sad", 0.7)
    assert body["scores"] == {"sad": 0.7} | {each: 0.05 for each in body["scores"] if each != "sad"}
    assert body["valence"] == record.valence
    assert body["box"] == {"x": 51, "y": 58, "width": 90, "height": 118}
    assert body["model"] == {"name": "reference-cnn", "version": "1"}
    assert (body["is_subject"], body["is_current"], body["correction"]) == (True, True, None)
    assert body["snapshot"] == str(record.snapshot.uuid)
    assert body["customer"] == str(record.snapshot.interaction.customer.uuid)


def test_an_uncertain_record_keeps_its_scores() -> None:
    body = System().get(f"records/{uncertain_record().uuid}").json()
    assert (body["emotion"], body["dominant_emotion"]) == ("uncertain", "happy")


def test_what_a_person_said_stands() -> None:
    correction = EmotionCorrectionFactory(emotion="sad")
    body = System().get(f"records/{correction.record.uuid}").json()
    assert (body["emotion"], body["valence"], body["dominant_emotion"]) == ("sad", VALENCE[Emotion.SAD], "happy")
    assert body["correction"]["emotion"] == "sad"
    assert body["correction"]["corrected_by"] == correction.corrected_by.username
    assert datetime.fromisoformat(body["correction"]["corrected_at"]) == correction.created_at


def test_lists_hold_the_customers_faces_of_the_models_that_count() -> None:
    snapshot = SnapshotFactory(analysed=True)
    bystander = EmotionRecordFactory(snapshot=snapshot, face_index=1)
    earlier = EmotionRecordFactory(snapshot=snapshot, model_version=ModelVersionFactory(version="0"))
    subject = snapshot.records.get(face_index=0, model_version=snapshot.model_version)
    api = System()
    assert ids_of(api.get("records")) == [str(subject.uuid)]
    assert ids_of(api.get("records", {"subject": "false"})) == [str(bystander.uuid)]
    assert ids_of(api.get("records", {"current": "false"})) == [str(earlier.uuid)]
    everything = [str(each.uuid) for each in (earlier, bystander, subject)]
    assert ids_of(api.get("records", {"subject": "any", "current": "any"})) == everything
    assert [api.get(f"records/{each}").json()["is_current"] for each in everything] == [False, True, True]


def test_filters() -> None:
    customer = CustomerFactory(source="crm", external_id="7")
    wanted = EmotionRecordFactory(
        snapshot__interaction__customer=customer,
        snapshot__captured_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
        snapshot__model_version=ModelVersionFactory(name="residual", version="2"),
        dominant_emotion="disgust",
    )
    EmotionRecordFactory(snapshot__captured_at=datetime(2026, 3, 2, tzinfo=UTC), confidence=0.65, score_happy=0.65,
                         score_sad=0.1)  # fmt: skip
    api = System()
    asked: dict[str, Any]
    for asked in (
        {"customer": customer.uuid},
        {"customer_source": "crm", "customer_external_id": "7"},
        {"snapshot": wanted.snapshot.uuid},
        {"emotion": "disgust"},
        {"dominant_emotion": "disgust", "uncertain": "false", "corrected": "false"},
        {"valence_max": "-0.1"},
        {"valence_min": "-1", "valence_max": "0"},
        {"confidence_min": "0.7"},
        {"captured_after": "2026-03-01T12:00:00Z", "captured_before": "2026-03-02T00:00:00Z"},
        {"model": "residual"},
        {"model_version": "2"},
    ):
        assert ids_of(api.get("records", asked)) == [str(wanted.uuid)], asked


def test_emotion_and_valence_are_those_that_stand() -> None:
    corrected, uncertain = EmotionCorrectionFactory(emotion="fear").record, uncertain_record()
    api = System()
    found: list[tuple[dict[str, str], EmotionRecord]] = [
        ({"emotion": "fear"}, corrected),
        ({"corrected": "true"}, corrected),
        ({"valence_max": "-0.6"}, corrected),
        ({"emotion": "uncertain"}, uncertain),
        ({"uncertain": "true"}, uncertain),
        ({"valence_min": "0"}, uncertain),
    ]
    for asked, record in found:
        assert ids_of(api.get("records", asked)) == [str(record.uuid)], asked
    assert ids_of(api.get("records", {"emotion": "happy"})) == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"emotion": "joy"}, "emotion"),
        ({"corrected": "maybe"}, "corrected"),
        ({"subject": "1"}, "subject"),
        ({"valence_min": "NaN"}, "valence_min"),
        ({"valence_max": "1.5"}, "valence_max"),
        ({"confidence_min": "-0.1"}, "confidence_min"),
        ({"valence_min": "1e999999"}, "valence_min"),
        ({"customer": "7"}, "customer"),
        ({"snapshot": "\0"}, "snapshot"),
        ({"captured_after": "yesterday"}, "captured_after"),
        ({"colour": "blue"}, "colour"),
        ({"ordering": "valence"}, "ordering"),
    ],
)
def test_wrong_filters_are_named(asked: dict[str, str], field: str) -> None:
    assert errors_of(System().get("records", asked)).keys() == {field}


def test_records_in_the_order_of_their_photos() -> None:
    days = (3, 1, 2)
    records = [EmotionRecordFactory(snapshot__captured_at=datetime(2026, 3, day, tzinfo=UTC)) for day in days]
    api = System()
    first = api.get("records", {"ordering": "captured_at", "page_size": "2"})
    then = api.get(first.json()["next"])
    assert ids_of(first) + ids_of(then) == [str(records[index].uuid) for index in (1, 2, 0)]


def test_a_list_takes_the_same_queries_for_one_and_for_twenty(django_assert_num_queries: Any) -> None:
    api = System()
    api.get("records")  # the first request also stores when the key was used
    for rows in (1, 20):
        for _ in range(rows - EmotionRecord.objects.count()):
            EmotionCorrectionFactory()
        for path, queries in (("records", 6), ("corrections", 4)):
            # The key, its rate (2) and the rows. Records add their models and corrections.
            with django_assert_num_queries(queries):
                assert len(ids_of(api.get(path))) == rows


def test_records_out_of_reach_are_not_there() -> None:
    foreign = EmotionCorrectionFactory(record__snapshot__interaction__customer__owner=UserFactory())
    api, record = System(), f"records/{foreign.record.uuid}"
    assert ids_of(api.get("records")) == ids_of(api.get("corrections")) == []
    assert api.get(record).status_code == api.get(f"corrections/{foreign.uuid}").status_code == 404
    assert api.post(f"{record}/corrections", {"emotion": "sad"}, format="json").status_code == 404
    assert api.delete(f"{record}/correction").status_code == 404
    assert api.post(f"{record}/subject").status_code == 404


def test_a_person_says_something_else_and_takes_it_back() -> None:
    api, record = System(), EmotionRecordFactory()
    said = api.post(f"records/{record.uuid}/corrections", {"emotion": "sad"}, format="json")
    assert (said.status_code, said.json()["emotion"]) == (201, "sad")
    assert said.json()["corrected_by"] == api.user.username
    assert said.headers["Location"] == f"http://testserver/api/v1/corrections/{said.json()['id']}"
    assert api.get(f"records/{record.uuid}").json()["emotion"] == "sad"
    assert api.delete(f"records/{record.uuid}/correction").status_code == 204
    assert api.get(f"records/{record.uuid}").json()["correction"] is None
    history = api.get("corrections", {"record": record.uuid}).json()["results"]
    assert [each["emotion"] for each in history] == [None, "sad"]


def test_the_same_word_again_changes_nothing() -> None:
    api, address = System(), f"records/{EmotionRecordFactory().uuid}/corrections"
    first, again = (api.post(address, {"emotion": "sad"}, format="json") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert EmotionCorrection.objects.count() == 1


def test_taking_back_twice_changes_nothing() -> None:
    api, record = System(), EmotionCorrectionFactory().record
    assert [api.delete(f"records/{record.uuid}/correction").status_code for _ in range(2)] == [204, 204]
    assert EmotionCorrection.objects.count() == 2


@pytest.mark.parametrize("body", [{}, {"emotion": "joy"}, {"emotion": None}, {"emotion": ""}, {"emotion": ["sad"]}, []])
def test_a_correction_names_one_of_the_seven(body: object) -> None:
    answer = System().post(f"records/{EmotionRecordFactory().uuid}/corrections", body, format="json")
    assert answer.status_code == 400
    assert not EmotionCorrection.objects.exists()


def test_correcting_needs_its_scope() -> None:
    api, record = System(Scope.RESULTS_READ), EmotionRecordFactory()
    for answer in (
        api.post(f"records/{record.uuid}/corrections", {"emotion": "sad"}, format="json"),
        api.delete(f"records/{record.uuid}/correction"),
        api.post(f"records/{record.uuid}/subject"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_what_no_longer_counts_is_history() -> None:
    record = EmotionRecordFactory(model_version=ModelVersionFactory(version="0"))
    answer = System().post(f"records/{record.uuid}/corrections", {"emotion": "sad"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "superseded")


def test_another_face_becomes_the_customer() -> None:
    snapshot = SnapshotFactory(analysed=True)
    other = EmotionRecordFactory(snapshot=snapshot, face_index=1, dominant_emotion="sad")
    api = System()
    assert api.post(f"records/{other.uuid}/subject").json()["is_subject"] is True
    assert ids_of(api.get("records")) == [str(other.uuid)]
    assert api.get(f"snapshots/{snapshot.uuid}").json()["result"]["emotion"] == "sad"


def test_corrections_are_filtered() -> None:
    correction, other = EmotionCorrectionFactory(emotion="fear"), EmotionCorrectionFactory()
    System(user=other.corrected_by).delete(f"records/{other.record.uuid}/correction")
    api, record = System(), correction.record
    for asked in (
        {"record": record.uuid},
        {"snapshot": record.snapshot.uuid},
        {"customer": record.snapshot.interaction.customer.uuid},
        {"emotion": "fear"},
        {"corrected_by": correction.corrected_by.username},
    ):
        assert ids_of(api.get("corrections", asked)) == [str(correction.uuid)], asked
    assert len(ids_of(api.get("corrections", {"emotion": "taken_back"}))) == 1
    assert api.get(f"corrections/{correction.uuid}").json()["record"] == str(record.uuid)
    assert api.get(f"corrections/{NEVER}").status_code == 404
