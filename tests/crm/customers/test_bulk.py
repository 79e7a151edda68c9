from collections import Counter

import pytest
from pytest_django import DjangoAssertNumQueries

from crm.models import Customer, WebhookMessage
from crm.webhooks.services import add_endpoint
from tests.support.api import System
from tests.support.factories import CustomerFactory, UserFactory
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db
BULK = "/api/v1/customers/bulk"


def row(external_id: object, **fields: object) -> dict[str, object]:
    return {"name": "Ada", "source": "erp", "external_id": str(external_id), **fields}


def test_each_row_has_its_own_result() -> None:
    CustomerFactory(source="erp", external_id="old", name="Before")
    CustomerFactory(source="erp", external_id="same", name="Ada")
    CustomerFactory(source="erp", external_id="hidden", owner=UserFactory())
    rows = [
        row("new"),
        row("old"),
        row("same"),
        row("hidden"),
        row("bad", email="no"),
        {"name": "nothing else"},
        row("new"),
    ]
    answer = System().send("POST", BULK, {"customers": rows})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [each["index"] for each in results] == list(range(7))
    assert [each["status"] for each in results] == [
        "created", "updated", "unchanged", "failed", "failed", "failed", "unchanged",
    ]  # fmt: skip
    assert results[3]["errors"][0]["code"] == "not_found"
    assert results[4]["errors"][0]["field"] == "email"
    assert {each["field"] for each in results[5]["errors"]} == {"source", "external_id"}
    assert results[6]["id"] == results[0]["id"]
    assert Customer.objects.get(external_id="old").name == "Ada"


def test_a_thousand_at_once_and_no_more() -> None:
    system = System()
    answer = system.send("POST", BULK, {"customers": [row(number) for number in range(1000)]})
    assert {each["status"] for each in answer.json()["results"]} == {"created"}
    assert Customer.objects.count() == 1000
    assert system.send("POST", BULK, {"customers": [row(number) for number in range(1001)]}).status_code == 400
    assert system.send("POST", BULK, {"customers": []}).status_code == 400
    assert system.send("POST", BULK, {"customers": ["text"]}).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_two_calls_with_the_same_rows_in_other_orders_both_succeed() -> None:
    user = UserFactory(is_superuser=True)
    orders = iter([[row(number) for number in range(50)], [row(number) for number in reversed(range(50))]])

    def push() -> set[str]:
        answer = System(user=user).send("POST", BULK, {"customers": next(orders)})
        return {each["status"] for each in answer.json()["results"]}

    assert at_once(push) in ([{"created"}, {"unchanged"}], [{"unchanged"}, {"created"}])
    assert Customer.objects.count() == 50


def test_every_row_is_told_to_a_webhook(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    system = System()
    add_endpoint(system.user, url="https://crm.example.com/", events=["customer.created", "customer.updated"])
    CustomerFactory(source="erp", external_id="0", name="Before")
    WebhookMessage.objects.all().delete()
    with django_assert_max_num_queries(113):  # five for each customer, with the savepoints, and a few for all
        system.send("POST", BULK, {"customers": [row(number) for number in range(20)]})
    told = Counter(WebhookMessage.objects.values_list("type", flat=True))
    assert told == {"customer.created": 19, "customer.updated": 1}


def test_a_row_with_a_lone_surrogate_is_refused_and_told() -> None:
    body = b'{"customers": [{"\\ud800": 1, "name": "A", "source": "erp", "external_id": "7"}]}'
    answer = System().generic("POST", "customers/bulk", body, content_type="application/json")
    assert answer.json()["results"][0]["errors"][0]["field"] == r"\ud800"
