"""Test the list of a customer's interactions and snapshots."""

from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest

from crm.models import Customer
from tests.support.api import System
from tests.support.factories import (
    CustomerFactory,
    EmotionCorrectionFactory,
    InteractionFactory,
    SnapshotFactory,
    UserFactory,
)
from tests.support.requests import NEVER, errors_of

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def entries(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.content
    return [(each["type"], each[each["type"]]["id"]) for each in answer.json()["results"]]


def timeline_of(customer: Customer) -> str:
    return f"customers/{customer.uuid}/timeline"


def filled() -> tuple[Customer, list[tuple[str, str]]]:
    """Create a customer with ten entries, some at the same time. Return both, the entries in the expected order."""
    customer, expected = CustomerFactory(), list[tuple[str, str]]()
    for number in range(4):
        interaction = InteractionFactory(customer=customer, occurred_at=day(number // 2))
        snapshot = SnapshotFactory(analysed=True, interaction=interaction, captured_at=day(number // 2))
        expected += [("interaction", str(interaction.uuid)), ("snapshot", str(snapshot.uuid))]
    late = SnapshotFactory(interaction=interaction, captured_at=day(9))
    early = InteractionFactory(customer=customer, occurred_at=day(-9))
    # At the same time, snapshots come before interactions, and later additions before earlier ones.
    order = [8, 7, 5, 6, 4, 3, 1, 2, 0, 9]
    expected += [("snapshot", str(late.uuid)), ("interaction", str(early.uuid))]
    return customer, [expected[index] for index in order]


def test_the_newest_come_first() -> None:
    customer, expected = filled()
    InteractionFactory()
    assert entries(System().get(timeline_of(customer))) == expected


def test_entries_carry_their_interaction_or_snapshot() -> None:
    correction = EmotionCorrectionFactory(emotion="sad")
    snapshot = correction.record.snapshot
    api = System()
    newest, oldest = api.get(timeline_of(snapshot.interaction.customer)).json()["results"]
    assert newest["snapshot"] == api.get(f"snapshots/{snapshot.uuid}").json()
    assert newest["snapshot"]["result"]["emotion"] == "sad"
    assert oldest["interaction"] == api.get(f"interactions/{snapshot.interaction.uuid}").json()
    assert (newest["interaction"], oldest["snapshot"]) == (None, None)
    assert datetime.fromisoformat(newest["at"]) == snapshot.captured_at


@pytest.mark.parametrize("page_size", [1, 2, 3, 4, 10])
def test_pages_hold_each_entry_once_in_both_directions(page_size: int) -> None:
    customer, expected = filled()
    api, pages = System(), []
    address = f"{timeline_of(customer)}?page_size={page_size}"
    while address:
        answer = api.get(address)
        pages.append(entries(answer))
        address = answer.json()["next"]
    assert list(chain.from_iterable(pages)) == expected
    for page in reversed(pages[:-1]):
        answer = api.get(answer.json()["previous"])
        assert entries(answer) == page
    assert answer.json()["previous"] is None


def test_what_is_added_meanwhile_moves_no_page() -> None:
    customer, expected = filled()
    api = System()
    first = api.get(f"{timeline_of(customer)}?page_size=4").json()
    InteractionFactory(customer=customer, occurred_at=day(20))
    assert entries(api.get(first["next"])) == expected[4:8]


def test_a_part_of_the_timeline() -> None:
    customer, expected = filled()
    api, address = System(), timeline_of(customer)
    between = {"at_after": day(0).isoformat(), "at_before": day(1).isoformat()}
    assert entries(api.get(address, between)) == expected[5:9]
    assert entries(api.get(address, {"type": "snapshot"})) == [each for each in expected if each[0] == "snapshot"]


def test_a_customer_without_anything_has_an_empty_timeline() -> None:
    assert System().get(timeline_of(CustomerFactory())).json() == {"next": None, "previous": None, "results": []}


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ({"page_size": "201"}, {"page_size": "invalid"}),
        ({"type": "call"}, {"type": "invalid_choice"}),
        ({"at_after": "2026-03-01"}, {"at_after": "naive"}),
        ({"ordering": "at"}, {"ordering": "unknown"}),
    ],
)
def test_wrong_questions_are_named(asked: dict[str, str], wrong: dict[str, str]) -> None:
    assert errors_of(System().get(timeline_of(CustomerFactory()), asked)) == wrong


@pytest.mark.parametrize("cursor", ["x", "\u00e9", "W10=", "WzEsMiwzLDRd"])
def test_a_cursor_that_was_made_up_leads_nowhere(cursor: str) -> None:
    answer = System().get(timeline_of(CustomerFactory()), {"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (404, "invalid_cursor")


def test_a_customer_out_of_reach_is_not_there() -> None:
    api = System()
    for unknown in (CustomerFactory(owner=UserFactory()).uuid, NEVER):
        assert api.get(f"customers/{unknown}/timeline").status_code == 404


def test_a_page_takes_the_same_queries_for_one_and_for_twenty(django_assert_num_queries: Any) -> None:
    api, customer = System(), CustomerFactory()
    api.get(timeline_of(customer))  # the first request also stores when the key was used
    for rows in (1, 19):
        for _ in range(rows):
            EmotionCorrectionFactory(record__snapshot__interaction__customer=customer)
        # The key, its rate (2), the customer, interactions, snapshots, records, models and corrections.
        with django_assert_num_queries(9):
            api.get(timeline_of(customer))
