"""Check texts as other systems send them: IDs, invisible characters, null and times."""

from typing import Any

import pytest

from crm.models import Customer, Interaction
from tests.support.api import CUSTOMERS, System
from tests.support.factories import CustomerFactory, InteractionFactory, UserFactory
from tests.support.operations import operations

pytestmark = pytest.mark.django_db
LEGACY = f"{CUSTOMERS}/by-external-id/legacy"


def errors(answer: Any) -> list[tuple[str, str]]:
    return [(each["field"], each["code"]) for each in answer.json()["errors"]]


@pytest.mark.parametrize("padded", ["C1%20", "%20C1", "C1%09", "C1%C2%A0"])
def test_an_id_with_a_blank_around_it_is_refused_and_overwrites_nobody(padded: str) -> None:
    system = System()
    assert system.send("PUT", f"{LEGACY}/C1", {"name": "one"}).status_code == 201
    answer = system.send("PUT", f"{LEGACY}/{padded}", {"name": "two"})
    assert (answer.status_code, errors(answer)) == (400, [("external_id", "blanks_around")])
    assert system.send("GET", f"{LEGACY}/{padded}").status_code == 404
    assert Customer.objects.get().name == "one"


@pytest.mark.parametrize("field", ["source", "external_id"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "bulk"])
def test_no_way_to_write_trims_what_names_a_customer(field: str, method: str) -> None:
    system, body = System(), {"name": "two", "source": "legacy", "external_id": "C1"}
    customer = CustomerFactory(name="one", source="legacy", external_id="C1")
    body[field] += " "
    if method == "bulk":
        (row,) = system.send("POST", f"{CUSTOMERS}/bulk", {"customers": [body]}).json()["results"]
        assert row["status"] == "failed"
        assert [(each["field"], each["code"]) for each in row["errors"]] == [(field, "blanks_around")]
    else:
        address = CUSTOMERS if method == "POST" else f"{CUSTOMERS}/{customer.uuid}"
        answer = system.send(method, address, body)
        assert (answer.status_code, errors(answer)) == (400, [(field, "blanks_around")])
    assert list(Customer.objects.values_list("name", "source", "external_id")) == [("one", "legacy", "C1")]


def test_no_filter_trims_what_names_a_customer() -> None:
    interaction = InteractionFactory(customer=CustomerFactory(source="legacy", external_id="C1"))
    system = System()
    for path, query in (("customers", "{}"), ("interactions", "customer_{}"), ("snapshots", "customer_{}")):
        for name, value in (("external_id", "C1"), ("source", "legacy")):
            asked = f"{path}?{query.format(name)}={value}"
            assert system.get(f"{asked}%20").json()["results"] == []
            if path != "snapshots":
                assert len(system.get(asked).json()["results"]) == 1, interaction


def test_composed_and_decomposed_ids_name_the_same_customer() -> None:
    system = System()
    decomposed, composed = f"{LEGACY}/e%CC%81", f"{LEGACY}/%C3%A9"
    assert system.send("PUT", decomposed, {"name": "one", "external_id": "é"}).status_code == 201
    assert system.send("PUT", composed, {"name": "two"}).status_code == 200
    assert system.send("GET", decomposed).json()["external_id"] == "é"
    assert system.get("customers?external_id=e%CC%81").json()["results"][0]["name"] == "two"
    rows = [{"source": "legacy", "external_id": each, "name": "three"} for each in ("e\u0301", "é")]
    results = system.send("POST", f"{CUSTOMERS}/bulk", {"customers": rows}).json()["results"]
    assert [row["status"] for row in results] == ["updated", "unchanged"]


@pytest.mark.parametrize("name", ["\u200b", "\u200b \ufeff", "\u2800", "\u3164", "\u0301", "\u2063\u034f"])
def test_a_name_that_nobody_can_see_is_refused(name: str) -> None:
    answer = System().send("POST", CUSTOMERS, {"name": name})
    assert (answer.status_code, errors(answer)) == (400, [("name", "invisible")])
    assert "Enter at least one letter" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("name", ["Ёлка", "李", "🙂", "7", "न\u093f", "م\u200cن"])
def test_a_name_that_can_be_seen_is_taken(name: str) -> None:
    assert System().send("POST", CUSTOMERS, {"name": name}).status_code == 201


def test_null_means_an_empty_text() -> None:
    system, full = System(), {"email": "ada@example.com", "phone": "1", "company": "Engines", "notes": "Tea."}
    nothing = dict.fromkeys(full)
    customer = CustomerFactory(**full)
    changed = system.send("PATCH", f"customers/{customer.uuid}", nothing)
    created = system.send("POST", CUSTOMERS, {"name": "Ada", **nothing, "source": None, "external_id": None})
    for answer in (changed, created):
        assert {name: answer.json()[name] for name in full} == dict.fromkeys(full, "")
    row = {"name": "Ada", "source": "erp", "external_id": "7", **nothing}
    (result,) = system.send("POST", f"{CUSTOMERS}/bulk", {"customers": [row]}).json()["results"]
    assert result["status"] == "created"
    interaction = InteractionFactory(notes="Tea.")
    assert system.send("PATCH", f"interactions/{interaction.uuid}", {"notes": None}).json()["notes"] == ""


def test_null_is_no_name_and_no_id() -> None:
    system = System()
    assert errors(system.send("POST", CUSTOMERS, {"name": None})) == [("name", "null")]
    row = {"name": "Ada", "source": "erp", "external_id": None}
    (result,) = system.send("POST", f"{CUSTOMERS}/bulk", {"customers": [row]}).json()["results"]
    assert [(each["field"], each["code"]) for each in result["errors"]] == [("external_id", "null")]


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@EXAMPLE.COM", "Ada@Example.com"])
def test_an_email_is_found_in_capital_and_small_letters(email: str) -> None:
    CustomerFactory(email="Ada@Example.com")
    CustomerFactory(email="adab@example.com")
    assert [row["email"] for row in System().get("customers", {"email": email}).json()["results"]] == [
        "Ada@Example.com"
    ]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("customers", "updated_since"),
        ("interactions", "occurred_after"),
        ("snapshots", "captured_after"),
        ("sentiment", "from"),
        ("customers/{}/timeline", "at_after"),
    ],
)
class TestTimesInAddresses:
    def test_a_plus_that_became_a_blank_is_explained(self, path: str, name: str) -> None:
        system, customer = System(), CustomerFactory()
        answer = system.get(f"{path.format(customer.uuid)}?{name}=2026-11-23T14:25:00+01:00")
        assert (answer.status_code, errors(answer)) == (400, [(name, "invalid")])
        assert "%2B" in answer.json()["errors"][0]["detail"]

    def test_small_letters_are_taken(self, path: str, name: str) -> None:
        system, customer = System(), CustomerFactory()
        assert system.get(f"{path.format(customer.uuid)}?{name}=2026-11-23t14:25:00z").status_code == 200

    def test_a_time_without_a_zone_is_told_so(self, path: str, name: str) -> None:
        system, customer = System(), CustomerFactory()
        answer = system.get(f"{path.format(customer.uuid)}?{name}=2026-11-23 14:25:00")
        assert errors(answer) == [(name, "naive")]


def test_small_letters_are_taken_in_bodies() -> None:
    customer = CustomerFactory()
    body = {"customer": str(customer.uuid), "occurred_at": "2026-11-23t14:25:00z"}
    assert System().send("POST", "interactions", body).json()["occurred_at"] == "2026-11-23T14:25:00Z"
    assert Interaction.objects.count() == 1


def test_options_answers_wherever_allow_names_it() -> None:
    customer, system = CustomerFactory(), System(user=UserFactory(is_superuser=True))
    for path in sorted({path for _, path in operations()} | {"/schema"}):
        named = {"id": customer.uuid, "interaction_id": customer.uuid, "source": "s", "external_id": "1"}
        answer = system.options(f"/api/v1{path.format(**named)}")
        assert answer.status_code == 200, path
        assert "OPTIONS" in answer["Allow"]
    for path in ("docs", "redoc"):
        answer = system.options(path)
        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


def test_names_are_stored_composed_by_pages_too() -> None:
    customer = Customer(name="e\u0301clair")
    customer.full_clean()
    customer.save()
    Customer.objects.bulk_create([Customer(name="e\u0301clair")])
    assert customer.name == "éclair"
    assert set(Customer.objects.values_list("name", flat=True)) == {"éclair"}
    assert Customer.objects.filter(name="e\u0301clair").count() == 2
