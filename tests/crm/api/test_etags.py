from typing import Any

import pytest
import requests
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from crm.models import Customer
from tests.support.api import CUSTOMERS, System
from tests.support.factories import ConsentFactory, CustomerFactory, InteractionFactory, UserFactory
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db
EXTERNAL = f"{CUSTOMERS}/by-external-id/erp/7"


def address(customer: Customer) -> str:
    return f"{CUSTOMERS}/{customer.uuid}"


def etag(system: System, path: str) -> str:
    known: str = system.send("GET", path)["ETag"]
    return known


@pytest.mark.parametrize(
    ("factory", "resource"),
    [(CustomerFactory, "customers"), (InteractionFactory, "interactions"), (ConsentFactory, "consents")],
)
def test_who_has_it_already_gets_no_body(factory: Any, resource: str) -> None:
    system, path = System(), f"/api/v1/{resource}/{factory().uuid}"
    known = etag(system, path)
    assert not known.startswith("W/")
    answer = system.send("GET", path, If_None_Match=f'"other", W/{known}')
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", known)


@pytest.mark.parametrize("header", ['"other"', "no quotes", ""])
def test_who_has_another_gets_it(header: str) -> None:
    answer = System().send("GET", address(CustomerFactory()), If_None_Match=header)
    assert answer.status_code == 200
    assert answer.json()["name"]


def test_the_etag_speaks_of_every_field_and_changes_with_them() -> None:
    system, customer = System(), CustomerFactory()
    before = etag(system, address(customer))
    assert etag(system, f"{address(customer)}?fields=name") == before
    customer.phone = "123"
    customer.save()
    assert etag(system, f"{address(customer)}?fields=name") != before


def test_by_either_id_it_is_the_same() -> None:
    system, customer = System(), CustomerFactory(source="erp", external_id="7")
    assert etag(system, EXTERNAL) == etag(system, address(customer))


def test_a_change_of_what_was_read_is_made_and_answers_the_new_etag() -> None:
    system, customer = System(), CustomerFactory()
    known = etag(system, address(customer))
    answer = system.send("PATCH", address(customer), {"phone": "1"}, If_Match=known)
    assert answer.status_code == 200
    assert known != answer["ETag"] == etag(system, address(customer))


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("header", ['"stale"', "W/{}", "malformed", ""])
def test_a_change_of_something_else_is_refused(method: str, header: str) -> None:
    system, customer = System(user=UserFactory(is_superuser=True)), CustomerFactory(name="Ada")
    known = etag(system, address(customer))
    answer = system.send(method, address(customer), {"name": "Grace"}, If_Match=header.format(known))
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert Customer.objects.get().name == "Ada"


def test_if_match_with_a_star_asks_for_any() -> None:
    system, customer = System(), CustomerFactory()
    assert system.send("PATCH", address(customer), {"name": "Grace"}, If_Match="*").status_code == 200
    assert system.send("PUT", EXTERNAL, {"name": "Grace"}, If_Match="*").status_code == 412
    assert Customer.objects.count() == 1


def test_what_was_read_can_be_deleted() -> None:
    system, customer = System(user=UserFactory(is_superuser=True)), CustomerFactory()
    known = etag(system, address(customer))
    assert system.send("DELETE", address(customer), If_Match=f'"other", {known}').status_code == 204
    assert not Customer.objects.exists()


def test_put_by_external_id_can_be_told_to_create_only() -> None:
    system = System()
    first = system.send("PUT", EXTERNAL, {"name": "Ada"}, If_None_Match="*")
    assert (first.status_code, first["ETag"]) == (201, etag(system, EXTERNAL))
    second = system.send("PUT", EXTERNAL, {"name": "Grace"}, If_None_Match="*")
    assert (second.status_code, second.json()["code"]) == (412, "precondition_failed")
    assert Customer.objects.get().name == "Ada"
    assert system.send("PUT", EXTERNAL, {"name": "Grace"}, If_Match=first["ETag"]).status_code == 200


def test_what_is_out_of_reach_has_no_etag() -> None:
    hidden = CustomerFactory(owner=UserFactory())
    assert System().send("PATCH", address(hidden), {"name": "x"}, If_Match="*").status_code == 404


def test_a_page_for_people_has_no_etag() -> None:
    browser = Client()
    browser.force_login(UserFactory())
    assert "ETag" not in browser.get(address(CustomerFactory()), headers={"Accept": "text/html"})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [(EXTERNAL, {"If-Match": None}, [200, 412, 412]), (f"{EXTERNAL}1", {"If-None-Match": "*"}, [201, 412, 412])],
)
def test_of_several_at_once_one_wins(
    live_server: LiveServer, path: str, headers: dict[str, str | None], expected: list[int]
) -> None:
    CustomerFactory(source="erp", external_id="7")
    system = System()
    preconditions = {name: value or etag(system, EXTERNAL) for name, value in headers.items()}

    def put() -> requests.Response:
        sent = {"Authorization": f"Bearer {system.secret}"} | preconditions
        return requests.put(live_server.url + path, json={"name": "Ada", "phone": "1"}, headers=sent, timeout=60)

    assert sorted(each.status_code for each in at_once(put, times=3)) == expected


@pytest.mark.django_db(transaction=True)
def test_two_who_change_different_fields_at_once_undo_nothing(live_server: LiveServer) -> None:
    customer, system = CustomerFactory(), System()
    changes = [{"phone": "1"}, {"company": "Analytical Engines"}]

    def patch() -> None:
        url, headers = live_server.url + address(customer), {"Authorization": f"Bearer {system.secret}"}
        assert requests.patch(url, json=changes.pop(), headers=headers, timeout=60).status_code == 200

    at_once(patch)
    customer.refresh_from_db()
    assert (customer.phone, customer.company) == ("1", "Analytical Engines")
