"""Test which messages are stored for which endpoints when something happens."""

import json

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from pytest_django import DjangoAssertNumQueries

from crm.consents.services import record_consent
from crm.models import Consent, Customer, WebhookDelivery, WebhookEndpoint, WebhookMessage
from crm.webhooks.events import emit, emit_all
from tests.support.broker import Queue
from tests.support.factories import CustomerFactory, UserFactory
from tests.support.webhooks import WebhookEndpointFactory

pytestmark = pytest.mark.django_db
State = WebhookEndpoint.State


def customer(**values: object) -> Customer:
    new: Customer = CustomerFactory(consenting=False, **values)
    return new


def told() -> list[tuple[str, dict[str, object]]]:
    return [(each.type, each.payload["data"]) for each in WebhookMessage.objects.order_by("pk")]


def test_the_life_of_a_customer_is_told() -> None:
    WebhookEndpointFactory()
    ada = customer(source="hubspot", external_id="77")
    ada.name = "Ada King"
    ada.save()
    identity = {"id": str(ada.uuid), "source": "hubspot", "external_id": "77"}
    reference = identity | {"url": f"/api/v1/customers/{ada.uuid}"}
    (created, of_created), (updated, of_updated) = told()
    assert (created, of_created["customer"]) == ("customer.created", reference)
    assert (updated, of_updated["customer"]) == ("customer.updated", reference)
    assert "Ada" not in json.dumps(told())
    ada.delete()
    assert told() == [("customer.deleted", {"customer": identity})]  # only this message outlives the customer


def test_consent_is_told() -> None:
    WebhookEndpointFactory(events=["consent.changed"])
    given = record_consent(customer(), granted=True, obtained_by=Consent.ObtainedBy.WRITTEN, recorded_by=UserFactory())
    [(event, data)] = told()
    said = {"id": str(given.uuid), "scope": "emotion_analysis", "granted": True, "obtained_by": "written"}
    assert event == "consent.changed"
    assert isinstance(data["consent"], dict)
    assert said.items() <= data["consent"].items()


def test_an_endpoint_hears_only_what_it_listens_to() -> None:
    WebhookEndpointFactory(events=["customer.deleted"])
    customer().delete()
    assert [event for event, _ in told()] == ["customer.deleted"]


def test_an_endpoint_hears_nothing_of_customers_that_its_owner_cannot_see() -> None:
    mine, others = UserFactory(), UserFactory()
    endpoint = WebhookEndpointFactory(owner=mine)
    customer(owner=others).delete()
    assert told() == []
    customer(owner=mine)
    customer(owner=None)
    assert WebhookDelivery.objects.filter(endpoint=endpoint).count() == 2


def test_hearing_agrees_with_what_staff_see() -> None:
    permission = Permission.objects.get(codename="view_every_customer")
    group = Group.objects.create(name="All")
    group.permissions.add(permission)
    staff = [
        UserFactory(),
        UserFactory(is_superuser=True),
        UserFactory(is_superuser=True, is_active=False),
        UserFactory(is_superuser=True, is_staff=False),
    ]
    by_user, by_group = UserFactory(), UserFactory()
    by_user.user_permissions.add(permission)
    by_group.groups.add(group)
    staff += [by_user, by_group]
    for each in staff:
        WebhookEndpointFactory(owner=each)
    for seen in [customer(owner=owner) for owner in (*staff, None)]:
        WebhookMessage.objects.all().delete()
        emit("customer.updated", seen, {})
        heard = set(WebhookDelivery.objects.values_list("endpoint__owner", flat=True))
        assert heard == {one.pk for one in staff if Customer.objects.visible_to(one).contains(seen)}


@pytest.mark.parametrize("state", [State.PAUSED, State.DISABLED])
def test_messages_wait_for_paused_endpoints_and_not_for_unsubscribed_ones(state: State, queue: Queue) -> None:
    WebhookEndpoint.objects.filter(pk=WebhookEndpointFactory().pk).stop(state, "because")
    customer()
    assert WebhookDelivery.objects.count() == (1 if state == State.PAUSED else 0)
    assert queue.messages() == []


@pytest.mark.django_db(transaction=True)
def test_what_was_rolled_back_is_not_told(queue: Queue) -> None:
    WebhookEndpointFactory()
    with transaction.atomic():
        customer()
        transaction.set_rollback(True)
    assert told() == []
    assert queue.messages() == []
    customer()
    assert [each.task for each in queue.messages()] == ["crm.webhooks.tasks.deliver_webhooks"]


@pytest.mark.django_db(transaction=True)
def test_a_customer_whose_event_cannot_be_written_is_not_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    WebhookEndpointFactory()
    monkeypatch.setattr("crm.webhooks.events.WebhookDelivery.objects.bulk_create", lambda rows: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        customer()
    assert not Customer.objects.exists()


def test_the_number_of_queries_is_constant(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    customers = [customer() for _ in range(5)]
    with django_assert_num_queries(1):
        emit("customer.updated", customers[0], {})
    WebhookEndpointFactory()
    with django_assert_num_queries(5):
        emit("customer.updated", customers[0], {})
    for _ in range(4):
        WebhookEndpointFactory()
    with django_assert_num_queries(5):
        emit_all("customer.updated", [(each, {}) for each in customers], makes_way=True)
    assert WebhookDelivery.objects.count() == 1 + 5 * 5
