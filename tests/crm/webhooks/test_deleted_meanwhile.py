"""Test what happens when somebody uses a webhook, or changes a customer, while a colleague deletes the webhook."""

from typing import Any

import pytest
from django.db import transaction

from crm.models import Customer, WebhookDelivery, WebhookEndpoint
from crm.webhooks.services import send_test
from tests.support.api import CUSTOMERS, System
from tests.support.databases import on_sqlite, somebody_waits_for_a_lock
from tests.support.factories import CustomerFactory, UserFactory
from tests.support.threads import InThread, in_thread
from tests.support.waiting import wait_until
from tests.support.webhooks import WebhookEndpointFactory
from tests.support.workspace import browser_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(on_sqlite(), reason="SQLite has one lock for everything"),
]
PAGES = "/admin/crm/webhookendpoint"


def sent_during_deletion(endpoint: WebhookEndpoint, sender: Any, path: str, body: dict[str, Any]) -> Any:
    """Send a request while the endpoint is being deleted, and return its answer."""
    with transaction.atomic():
        endpoint.delete()
        sending: InThread[Any] = in_thread(lambda: sender.post(path, body))
        wait_until(somebody_waits_for_a_lock, "the request waits for the deletion")
    answer = sending.result()
    assert not WebhookEndpoint.objects.exists()
    assert not WebhookDelivery.objects.exists()
    return answer


@pytest.mark.parametrize("action", ["rotate", "test", "redeliver-failed"])
def test_a_button_says_that_the_webhook_is_gone(action: str) -> None:
    endpoint = WebhookEndpointFactory()
    browser = browser_of(UserFactory(is_superuser=True))
    answer = sent_during_deletion(endpoint, browser, f"{PAGES}/{endpoint.pk}/act/", {"action": action})
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()


def test_the_button_of_a_delivery_says_that_it_is_gone() -> None:
    delivery = send_test(WebhookEndpointFactory())
    browser = browser_of(UserFactory(is_superuser=True))
    path = f"/admin/crm/webhookdelivery/{delivery.pk}/act/"
    assert sent_during_deletion(delivery.endpoint, browser, path, {}).status_code == 404


@pytest.mark.parametrize("action", ["rotate-secret", "test"])
def test_the_api_says_that_the_webhook_is_gone(action: str) -> None:
    endpoint = WebhookEndpointFactory()
    system = System(user=UserFactory(is_superuser=True))
    assert sent_during_deletion(endpoint, system, f"webhooks/{endpoint.uuid}/{action}", {}).status_code == 404


def test_a_customer_is_added_although_who_would_hear_of_it_is_deleted() -> None:
    endpoint = WebhookEndpointFactory()
    system = System(user=UserFactory(is_superuser=True))
    system.default_format = "json"
    assert sent_during_deletion(endpoint, system, CUSTOMERS, {"name": "Ada"}).status_code == 201
    assert Customer.objects.get().name == "Ada"


def test_a_deletion_waits_for_what_is_being_told_and_takes_it_along() -> None:
    endpoint = WebhookEndpointFactory()
    with transaction.atomic():
        CustomerFactory()
        deleting = in_thread(WebhookEndpoint.objects.get(pk=endpoint.pk).delete)
        wait_until(somebody_waits_for_a_lock, "the deletion waits")
    deleting.result()
    assert not WebhookDelivery.objects.exists()
