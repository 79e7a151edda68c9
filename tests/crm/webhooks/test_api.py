import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from crm.models import WebhookDelivery, WebhookEndpoint
from tests.support.api import System
from tests.support.factories import UserFactory

pytestmark = pytest.mark.django_db
WEBHOOKS, DELIVERIES = "/api/v1/webhooks", "/api/v1/webhook-deliveries"
NEW = {"url": "https://crm.example.com/rapport", "events": ["customer.created", "snapshot.analysed"]}


@pytest.fixture
def system() -> System:
    """Return a system that acts for a member of staff who may manage webhooks."""
    system = System()
    system.user.user_permissions.set(Permission.objects.filter(content_type__model="webhookendpoint"))
    return system


def test_the_secret_is_told_when_it_is_made_and_never_again(system: System) -> None:
    made = system.send("POST", WEBHOOKS, NEW)
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    assert "secret" not in system.send("GET", made["Location"]).json()
    rotated = system.send("POST", f"{made['Location']}/rotate-secret")
    assert rotated.json()["secret"] != made.json()["secret"]
    both = WebhookEndpoint.objects.get().valid_secrets(timezone.now())
    assert list(both) == [rotated.json()["secret"], made.json()["secret"]]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"url": "http://127.0.0.1/"}, "url"),
        ({"url": "ftp://crm.example.com/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://user:password@crm.example.com/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["customer.hugged"]}, "events.0"),
    ],
)
def test_wrong_webhooks_are_refused(system: System, given: dict[str, object], field: str) -> None:
    answer = system.send("POST", WEBHOOKS, NEW | given)
    assert answer.status_code in (400, 422)
    assert answer.json()["errors"][0]["field"] == field
    assert not WebhookEndpoint.objects.exists()


def test_it_is_changed_paused_resumed_and_deleted(system: System) -> None:
    address = system.send("POST", WEBHOOKS, NEW)["Location"]
    assert system.send("PATCH", address, {"description": "Sales"}).json()["description"] == "Sales"
    assert system.send("POST", f"{address}/pause").json()["state"] == "paused"
    again = system.send("POST", f"{address}/pause")
    assert (again.status_code, again.json()["code"]) == (409, "webhook_state")
    assert system.send("POST", f"{address}/resume").json()["state"] == "active"
    assert system.send("DELETE", address).status_code == 204
    assert not WebhookEndpoint.objects.exists()


def test_deliveries_are_listed_and_sent_again(system: System) -> None:
    address = system.send("POST", WEBHOOKS, NEW)["Location"]
    test = system.send("POST", f"{address}/test")
    assert (test.status_code, test.json()["event"]) == (202, "webhook.test")
    system.send("POST", "/api/v1/customers", {"name": "Ada"})
    listed = system.send("GET", f"{DELIVERIES}?event=customer.created&status=pending").json()["results"]
    assert len(listed) == 1
    one = system.send("GET", f"{DELIVERIES}/{listed[0]['id']}").json()
    assert one["payload"]["type"] == "customer.created"
    assert one["log"] == []
    WebhookDelivery.objects.fail("No answer.")
    again = system.send("POST", f"{DELIVERIES}/{one['id']}/redeliver")
    assert (again.status_code, again.json()["status"]) == (202, "pending")


def test_a_receiver_that_is_gone_gets_nothing_until_it_is_resumed(system: System) -> None:
    address = system.send("POST", WEBHOOKS, NEW)["Location"]
    WebhookEndpoint.objects.all().stop(WebhookEndpoint.State.DISABLED, "Gone.")
    answer = system.send("POST", f"{address}/test")
    assert (answer.status_code, answer.json()["code"]) == (409, "webhook_unsubscribed")
    assert system.send("POST", f"{address}/resume").status_code == 200


def test_webhooks_need_djangos_permission_as_in_the_admin() -> None:
    answer = System(user=UserFactory()).send("POST", WEBHOOKS, NEW)
    assert answer.status_code == 403
    assert "crm.add_webhookendpoint" in answer.json()["detail"]


def test_webhooks_of_others_are_not_there(system: System) -> None:
    address = system.send("POST", WEBHOOKS, NEW)["Location"]
    other = System()
    other.user.user_permissions.set(Permission.objects.filter(content_type__model="webhookendpoint"))
    assert other.send("GET", address).status_code == 404
    assert other.send("GET", WEBHOOKS).json()["results"] == []
    assert other.send("GET", DELIVERIES).json()["results"] == []
