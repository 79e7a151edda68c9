"""Test sentiment as JSON and as CSV."""

import csv
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from crm.models import Customer
from emotions.models import EmotionRecord
from tests.support.api import System
from tests.support.factories import (
    CustomerFactory,
    EmotionCorrectionFactory,
    EmotionRecordFactory,
    ModelVersionFactory,
    UserFactory,
)
from tests.support.requests import NEVER, errors_of

pytestmark = pytest.mark.django_db
NOVEMBER = {"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}


def face(customer: Customer, day: int, emotion: str = "happy", hour: int = 12, **values: Any) -> EmotionRecord:
    """Create the record of a photo that was taken on this day in November 2026."""
    return EmotionRecordFactory(
        snapshot__interaction__customer=customer,
        snapshot__captured_at=datetime(2026, 11, day, hour, tzinfo=UTC),
        dominant_emotion=emotion,
        **values,
    )


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def json_of(answer: Any) -> Any:
    return json.loads(body_of(answer))


def table_of(answer: Any) -> list[list[str]]:
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(body_of(answer).decode().splitlines()))


def test_a_customers_days_are_added_up() -> None:
    customer = CustomerFactory()
    records = [face(customer, 2), face(customer, 2, "sad"), face(customer, 5, "neutral")]
    face(CustomerFactory(), 2)
    body = json_of(System().get(f"customers/{customer.uuid}/sentiment", {**NOVEMBER, "interval": "day"}))
    assert [(each["date"], each["counted"]) for each in body["intervals"]] == [("2026-11-02", 2), ("2026-11-05", 1)]
    assert body["intervals"][0]["mean_valence"] == pytest.approx((records[0].valence + records[1].valence) / 2)
    assert (body["total"]["counted"], body["total"]["emotions"]["sad"]) == (3, 1)
    assert (body["from"], body["to"], body["zone"]) == (*NOVEMBER.values(), "UTC")


def test_what_people_say_counts_and_uncertain_answers_do_not() -> None:
    customer = CustomerFactory()
    EmotionCorrectionFactory(record=face(customer, 2), emotion="sad")
    face(customer, 3, snapshot__model_version=ModelVersionFactory(version="2", uncertain_below=0.9))
    body = json_of(System().get("sentiment", NOVEMBER))
    assert body["total"]["emotions"]["sad"] == body["total"]["corrected"] == body["total"]["uncertain"] == 1
    assert body["total"]["mean_valence"] == pytest.approx(-0.63)


def test_days_begin_at_midnight_of_the_zone() -> None:
    face(CustomerFactory(), 2, hour=23)
    answer = System().get("sentiment", {**NOVEMBER, "interval": "day", "zone": "Europe/Berlin"})
    assert [(each["date"], each["start"]) for each in json_of(answer)["intervals"]] == [
        ("2026-11-03", "2026-11-02T23:00:00Z")
    ]


def test_everyones_sentiment_is_that_of_whom_one_may_see() -> None:
    face(CustomerFactory(), 2)
    face(CustomerFactory(owner=UserFactory()), 2)
    assert json_of(System().get("sentiment", NOVEMBER))["total"]["counted"] == 1


def test_a_customer_out_of_reach_is_not_there() -> None:
    foreign = CustomerFactory(owner=UserFactory())
    assert [System().get(f"customers/{each}/sentiment").status_code for each in (foreign.uuid, NEVER)] == [404, 404]


def test_without_a_period_the_last_year_counts() -> None:
    EmotionRecordFactory()
    body = json_of(System().get("sentiment"))
    assert body["total"]["counted"] == 1
    assert datetime.fromisoformat(body["to"]) - datetime.fromisoformat(body["from"]) == (
        datetime(2026, 1, 1) - datetime(2025, 1, 1)
    )


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ({"from": NOVEMBER["to"], "to": NOVEMBER["from"]}, {"from": "period_refused"}),
        ({"from": "1900-01-01T00:00:00Z", "interval": "day"}, {"from": "period_refused"}),
        ({"to": "0001-01-02T00:00:00Z"}, {"to": "period_refused"}),
        ({"from": "2026-11-01T00:00:00"}, {"from": "naive"}),
        ({"interval": "year"}, {"interval": "invalid_choice"}),
        ({"zone": "Mars/Olympus"}, {"zone": "unknown_zone"}),
        ({"zone": "../../etc/passwd"}, {"zone": "unknown_zone"}),
        ({"zone": "right/UTC"}, {"zone": "unknown_zone"}),
        ({"format": "csv"}, {"format": "unknown"}),
    ],
)
def test_wrong_questions_are_named(asked: dict[str, str], wrong: dict[str, str]) -> None:
    assert errors_of(System().get("sentiment", asked)) == wrong


def test_intervals_come_as_csv() -> None:
    face(CustomerFactory(), 2, "sad")
    answer = System().get("sentiment", {**NOVEMBER, "interval": "month"}, headers={"Accept": "text/csv"})
    head, row = table_of(answer)
    cells = dict(zip(head, row, strict=True))
    assert (cells["date"], cells["counted"], cells["sad"]) == ("2026-11-01", "1", "1")
    assert float(cells["mean_valence"]) < 0
    assert cells["trend_valence"] == ""  # one interval alone has no trend


def test_json_and_csv_give_the_same_trend() -> None:
    for day, emotion in ((2, "sad"), (3, "sad"), (12, "happy")):
        face(CustomerFactory(), day, emotion)
    asked = {**NOVEMBER, "interval": "day"}
    body = json_of(System().get("sentiment", asked))
    head, *rows = table_of(System().get("sentiment", asked, headers={"Accept": "text/csv"}))
    line = [float(dict(zip(head, row, strict=True))["trend_valence"]) for row in rows]
    assert line == [each["trend_valence"] for each in body["intervals"]]
    assert (line[2] - line[0]) / 10 * 30 == pytest.approx(body["trend"])
    assert line[0] < 0 < line[2]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_no_cell_is_a_formula(start: str) -> None:
    face(CustomerFactory(name=f"{start}cmd|' /C calc'!A0", source="@x", external_id="=1+1"), 2, "sad")
    head, row = table_of(System().get("sentiment/customers", NOVEMBER, headers={"Accept": "text/csv"}))
    cells = dict(zip(head, row, strict=True))
    assert cells["name"] == f"'{start}cmd|' /C calc'!A0"
    assert (cells["source"], cells["external_id"]) == ("'@x", "'=1+1")
    assert cells["mean_valence"].startswith("-0.")


def test_each_customer_has_a_row() -> None:
    customer = CustomerFactory(name="Ada", source="crm", external_id="7")
    face(customer, 2)
    face(customer, 5, "sad")
    CustomerFactory()
    face(CustomerFactory(owner=UserFactory()), 2)
    (row,) = json_of(System().get("sentiment/customers", NOVEMBER))["results"]
    assert (row["customer"], row["name"], row["external_id"]) == (str(customer.uuid), "Ada", "7")
    assert (row["counted"], row["emotions"]["happy"], row["emotions"]["sad"]) == (2, 1, 1)
    assert (row["first_captured_at"], row["last_captured_at"]) == ("2026-11-02T12:00:00Z", "2026-11-05T12:00:00Z")


def test_nobody_is_an_empty_list() -> None:
    assert json_of(System().get("sentiment/customers", NOVEMBER))["results"] == []


def test_rows_are_sent_while_they_are_read(django_assert_num_queries: Any) -> None:
    face(CustomerFactory(), 2)
    answer = System().get("sentiment/customers", NOVEMBER)
    assert answer.streaming
    with django_assert_num_queries(1):
        assert body_of(answer).endswith(b"]}")
