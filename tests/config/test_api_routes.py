"""Call every operation of the API without a key, without the scope, and for rows that the key may not see."""

import json

import pytest
from django.contrib.auth.models import Permission

from crm.models import Customer, Scope, User, WebhookDelivery
from crm.webhooks.services import add_endpoint, send_test
from emotions.corrections.services import correct
from emotions.models import EmotionRecord
from ml.labels import Emotion
from tests.support.api import System
from tests.support.factories import ConsentFactory, CustomerFactory, InteractionFactory, SnapshotFactory, UserFactory
from tests.support.operations import operations

pytestmark = pytest.mark.django_db

# The scopes for reading and for writing, by the start of the path. Longer starts come first.
SCOPES = {
    "/customers/{id}/timeline": ("results:read", ""),
    "/customers/{id}/sentiment": ("results:read", ""),
    "/interactions/{interaction_id}/snapshots": ("snapshots:read", "snapshots:write"),
    "/records/{id}/face": ("results:read", ""),
    "/customers": ("customers:read", "customers:write"),
    "/consents": ("customers:read", "customers:write"),
    "/interactions": ("interactions:read", "interactions:write"),
    "/snapshots": ("snapshots:read", "snapshots:write"),
    "/records": ("results:read", "results:write"),
    "/corrections": ("results:read", "results:write"),
    "/sentiment": ("results:read", ""),
    "/webhooks": ("webhooks:read", "webhooks:write"),
    "/webhook-deliveries": ("webhooks:read", "webhooks:write"),
}


def scope_of(method: str, path: str) -> str:
    reading, writing = next(scopes for start, scopes in SCOPES.items() if path.startswith(start))
    return reading if method == "GET" else writing


@pytest.fixture
def hidden() -> dict[str, object]:
    """Return one row of each kind that belongs to another owner's customer, by the kind of its ID."""
    owner: User = UserFactory(is_superuser=True)
    customer: Customer = CustomerFactory(owner=owner, source="erp", external_id="7")
    snapshot = SnapshotFactory(interaction=InteractionFactory(customer=customer), analysed=True)
    record = EmotionRecord.objects.get(snapshot=snapshot)
    correct(record, Emotion.SAD, owner)
    record.refresh_from_db()
    endpoint = add_endpoint(owner, url="https://crm.example.com/", events=["customer.created"])
    send_test(endpoint)
    return {
        "customers": customer.uuid,
        "interactions": snapshot.interaction.uuid,
        "consents": ConsentFactory(customer=customer).uuid,
        "snapshots": snapshot.uuid,
        "records": record.uuid,
        "corrections": record.correction.uuid if record.correction else None,
        "webhooks": endpoint.uuid,
        "webhook-deliveries": WebhookDelivery.objects.get().uuid,
    }


def address(path: str, hidden: dict[str, object]) -> str:
    kind = path.split("/")[1]
    given = {"{id}": hidden.get(kind), "{interaction_id}": hidden.get(kind), "{source}": "erp", "{external_id}": "7"}
    for name, value in given.items():
        path = path.replace(name, str(value))
    return f"/api/v1{path}"


def test_there_are_operations() -> None:
    assert len(list(operations())) > 40


def test_nothing_answers_without_a_key(hidden: dict[str, object]) -> None:
    stranger = System()
    stranger.defaults.clear()
    stranger.headers = {}
    for method, path in operations():
        answer = stranger.send(method, address(path, hidden), {})
        assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json"), (method, path)
        assert answer["WWW-Authenticate"].startswith("Bearer")


def test_every_operation_needs_its_scope(hidden: dict[str, object]) -> None:
    user: User = UserFactory(is_superuser=True)
    for method, path in operations():
        needed = scope_of(method, path)
        others = [scope for scope in Scope if scope.value != needed]
        answer = System(*others, user=user).send(method, address(path, hidden), {})
        assert answer.status_code == 403, (method, path)
        assert answer.json()["code"] == "scope_missing", (method, path)
        assert needed in answer.json()["detail"], (method, path)


def test_what_is_out_of_reach_is_not_there(hidden: dict[str, object]) -> None:
    system = System()
    may_do_everything_but_see = Permission.objects.exclude(codename="view_every_customer")
    system.user.user_permissions.set(may_do_everything_but_see)
    before = Customer.objects.values().get()
    for method, path in operations():
        if "{" not in path:
            continue
        body = {"name": "Mine now"} if method == "PUT" else None
        answer = system.send(method, address(path, hidden), body)
        assert answer.status_code == 404, (method, path, answer.content)
        assert answer.json()["code"] == "not_found", (method, path)
    assert Customer.objects.values().get() == before


def test_lists_show_nothing_of_what_is_out_of_reach(hidden: dict[str, object]) -> None:
    system = System()
    system.user.user_permissions.set(Permission.objects.exclude(codename="view_every_customer"))
    for method, path in operations():
        if method == "GET" and "{" not in path and not path.startswith("/sentiment"):
            assert system.send("GET", address(path, hidden)).json()["results"] == [], path
    streamed = json.loads(system.send("GET", "/api/v1/sentiment").getvalue())
    assert streamed["total"]["counted"] + streamed["total"]["uncertain"] == 0
    assert json.loads(system.send("GET", "/api/v1/sentiment/customers").getvalue())["results"] == []
