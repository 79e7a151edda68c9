import pytest
from django.contrib.auth.models import Permission
from pytest_django import DjangoAssertNumQueries

from crm.models import Customer, User
from tests.support.api import CUSTOMERS, System
from tests.support.factories import CustomerFactory, UserFactory
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db
EXTERNAL = f"{CUSTOMERS}/by-external-id/hubspot/4711"


def test_a_customer_is_created_read_changed_and_deleted() -> None:
    system = System()
    system.user.user_permissions.add(Permission.objects.get(codename="delete_customer"))
    created = system.send(
        "POST", CUSTOMERS, {"name": " Ada ", "email": "ada@example.com", "owner": system.user.username}
    )
    assert created.status_code == 201
    address = created["Location"]
    assert system.send("GET", address).json() == created.json()
    assert created.json() | {"name": "Ada", "owner": system.user.username, "notes": ""} == created.json()
    changed = system.send("PATCH", address, {"phone": "030 1"})
    assert (changed.json()["phone"], changed.json()["email"]) == ("030 1", "ada@example.com")
    assert system.send("DELETE", address).status_code == 204
    assert system.send("GET", address).status_code == 404


def test_deleting_needs_the_permission_that_the_admin_asks_for() -> None:
    system, customer = System(), CustomerFactory()
    answer = system.send("DELETE", f"{CUSTOMERS}/{customer.uuid}")
    assert answer.status_code == 403
    assert "crm.delete_customer" in answer.json()["detail"]
    assert Customer.objects.filter(pk=customer.pk).exists()


def test_the_same_external_id_again_is_a_conflict() -> None:
    system, body = System(), {"name": "Ada", "source": "hubspot", "external_id": "4711"}
    assert system.send("POST", CUSTOMERS, body).status_code == 201
    again = system.send("POST", CUSTOMERS, body)
    assert (again.status_code, again.json()["code"]) == (409, "external_id_taken")


@pytest.mark.parametrize(
    ("body", "status", "field", "code"),
    [
        ({}, 400, "name", "required"),
        ({"name": " "}, 400, "name", "blank"),
        ({"name": "x" * 201}, 400, "name", "max_length"),
        ({"name": "Ada", "nmae": "typo"}, 400, "nmae", "unknown"),
        ({"name": "Ada", "email": "no address"}, 400, "email", "invalid"),
        ({"name": "Ada\0"}, 400, "name", "null_characters_not_allowed"),
        ({"name": "Ada\ud800"}, 400, "name", "surrogate_characters_not_allowed"),
        ({"name": "Ada", "owner": "nobody"}, 422, "owner", "does_not_exist"),
        ({"name": "Ada", "owner": ""}, 422, "owner", "does_not_exist"),
        ({"name": 7}, 400, "name", "invalid"),
        ({"name": "Ada", "external_id": "1"}, 422, "source", "incomplete"),
        ([], 400, "", "invalid"),
    ],
)
def test_wrong_input_is_named(body: object, status: int, field: str, code: str) -> None:
    answer = System().post(CUSTOMERS, body, content_type="application/json")
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert [(each["field"], each["code"]) for each in answer.json()["errors"]] == [(field, code)]
    assert not Customer.objects.exists()


def test_customers_of_others_are_not_there() -> None:
    hidden = CustomerFactory(owner=UserFactory(), source="erp", external_id="1")
    system = System()
    for address in (f"{CUSTOMERS}/{hidden.uuid}", f"{CUSTOMERS}/by-external-id/erp/1"):
        assert system.send("GET", address).status_code == 404
    assert system.send("PUT", f"{CUSTOMERS}/by-external-id/erp/1", {"name": "Mine"}).status_code == 404
    assert system.send("GET", CUSTOMERS).json()["results"] == []
    hidden.refresh_from_db()
    assert hidden.name != "Mine"


def test_upsert_creates_and_then_updates_what_is_given() -> None:
    system = System()
    created = system.send("PUT", EXTERNAL, {"name": "Ada", "phone": "1"})
    updated = system.send("PUT", EXTERNAL, {"name": "Ada Lovelace"})
    assert (created.status_code, updated.status_code) == (201, 200)
    assert updated.json() | {"name": "Ada Lovelace", "phone": "1", "id": created.json()["id"]} == updated.json()
    same = system.send("PUT", EXTERNAL, {"name": "Ada Lovelace"})
    assert same.json()["updated_at"] == updated.json()["updated_at"]  # nothing changed


def test_external_ids_may_hold_slashes_and_spaces() -> None:
    system, address = System(), f"{CUSTOMERS}/by-external-id/hubspot/a%2Fb c"
    assert system.send("PUT", address, {"name": "Ada"}).json()["external_id"] == "a/b c"
    assert system.send("GET", address).json()["name"] == "Ada"


def test_a_body_that_speaks_of_another_customer_is_refused() -> None:
    answer = System().send("PUT", EXTERNAL, {"name": "Ada", "external_id": "4712"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "mismatch")


@pytest.mark.django_db(transaction=True)
def test_two_upserts_at_once_make_one_customer(staff_who_sees_all: User) -> None:
    def upsert() -> int:
        status: int = System(user=staff_who_sees_all).send("PUT", EXTERNAL, {"name": "Ada"}).status_code
        return status

    assert sorted(at_once(upsert, times=4)) == [200, 200, 200, 201]
    assert Customer.objects.count() == 1


@pytest.fixture
def staff_who_sees_all() -> User:
    user: User = UserFactory(is_superuser=True)
    return user


def test_lists_are_read_page_by_page() -> None:
    names = [f"Customer {number:02}" for number in range(7)]
    for name in names:
        CustomerFactory(name=name)
    system, address, seen = System(), f"{CUSTOMERS}?ordering=name&page_size=3&fields=name", []
    while address:
        page = system.send("GET", address).json()
        seen += [row["name"] for row in page["results"]]
        address = page["next"]
    assert seen == names


def test_a_hundred_of_one_name_are_all_read() -> None:
    Customer.objects.bulk_create(Customer(name="Unknown") for _ in range(100))
    system, address, seen = System(), f"{CUSTOMERS}?ordering=name&page_size=30", set()
    while address:
        page = system.send("GET", address).json()
        seen |= {row["id"] for row in page["results"]}
        address = page["next"]
    assert len(seen) == 100


def test_filters_and_search() -> None:
    ada = CustomerFactory(name="Ada", company="Analytical Engines", source="erp", external_id="7")
    CustomerFactory(name="Grace", company="Navy")
    system = System()
    for query in ("external_id=7&source=erp", "search=analytical", "company=Analytical Engines", "name=Ada"):
        assert [row["id"] for row in system.send("GET", f"{CUSTOMERS}?{query}").json()["results"]] == [str(ada.uuid)]
    later = ada.updated_at.isoformat().replace("+00:00", "Z")
    assert len(system.send("GET", f"{CUSTOMERS}?updated_since={later}").json()["results"]) == 2
    assert system.send("GET", f"{CUSTOMERS}?updated_before={later}").json()["results"] == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("nope=1", 400),
        ("name=", 400),
        ("page_size=0", 400),
        ("page_size=201", 400),
        ("ordering=notes", 400),
        ("fields=name,nope", 400),
        ("name=a&name=b", 400),
        ("updated_since=2026-01-01T00:00:00", 400),
        ("updated_since=0001-01-01T00:00:00%2B23:00", 400),
        ("search=%00", 400),
        ("cursor=x", 404),
        ("cursor=cD1ub25zZW5zZQ%3D%3D&ordering=created_at", 404),
    ],
)
def test_wrong_queries_are_refused(query: str, status: int) -> None:
    answer = System().send("GET", f"{CUSTOMERS}?{query}")
    assert answer.status_code == status
    assert answer.json()["status"] == status


@pytest.mark.parametrize("rows", [1, 20])
def test_a_list_costs_the_same_however_long(rows: int, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    system = System()
    CustomerFactory.create_batch(rows, owner=system.user, consenting=False)
    system.send("GET", CUSTOMERS)  # the first request also stores when the key was used
    with django_assert_num_queries(4):  # the key, the permissions of the user and of groups, and the rows
        assert len(system.send("GET", CUSTOMERS).json()["results"]) == rows


@pytest.mark.parametrize("accepted", ["application/problem+json", "text/x, application/problem+json;q=0.5"])
def test_a_client_that_accepts_problems_gets_json(accepted: str) -> None:
    answer = System().get("customers", headers={"Accept": accepted})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


def test_an_update_by_external_id_needs_no_name() -> None:
    system, path = System(), "customers/by-external-id/erp/7"
    refused = system.send("PUT", path, {"phone": "1"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "name")
    system.send("PUT", path, {"name": "Ada"})
    answer = system.send("PUT", path, {"phone": "1"})
    assert (answer.status_code, answer.json()["name"], answer.json()["phone"]) == (200, "Ada", "1")
    rows = [{"source": "erp", "external_id": each, "phone": "2"} for each in ("7", "8")]
    results = system.send("POST", "customers/bulk", {"customers": rows}).json()["results"]
    assert [each["status"] for each in results] == ["updated", "failed"]
    assert results[1]["errors"][0]["field"] == "name"
