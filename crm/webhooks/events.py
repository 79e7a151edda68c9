"""Emit events to webhook endpoints.

The messages are stored in the same transaction as the change itself, so that an event is emitted
exactly when the change is committed. Workers deliver the messages after the commit.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm.batches import write_with_batch
from crm.customers.models import Customer
from crm.privacy.deletion import keep_from_deletion
from crm.webhooks.event_types import TEST
from crm.webhooks.models.deliveries import WebhookDelivery, WebhookMessage
from crm.webhooks.models.endpoints import WebhookEndpoint
from crm.webhooks.tasks import deliver_webhooks
from jobs.dispatch import announce_on_commit

Event = tuple[Customer, Mapping[str, Any]]


def somebody_listens() -> bool:
    """Return whether any endpoint is not disabled. Check it before queries that only an event's `data` needs."""
    return WebhookEndpoint.objects.exclude(state=WebhookEndpoint.State.DISABLED).exists()


def emit(event_type: str, customer: Customer, data: Mapping[str, Any], *, makes_way: bool = False) -> None:
    """Emit an event to every endpoint that listens, if the endpoint's owner may see the customer.

    Call it in the transaction of the change. With `makes_way`, the event is one of many, and events
    that somebody may be waiting for are delivered before it.

    Put only public IDs, states and addresses below /api/v1 into `data`: no names, notes or photos.
    """
    if not write_with_batch(_emit_batch, (event_type, (customer, data))):
        emit_all(event_type, [(customer, data)], makes_way=makes_way)


def _emit_batch(batch: list[tuple[str, Event]]) -> None:
    """Store the events of one transaction. Each event type takes as many queries as a single event."""
    by_type: dict[str, list[Event]] = {}
    for event_type, event in batch:
        by_type.setdefault(event_type, []).append(event)
    for event_type, events in by_type.items():
        emit_all(event_type, events, makes_way=len(events) > 1)


@transaction.atomic(savepoint=False)
def emit_all(event_type: str, happened: Iterable[Event], *, makes_way: bool) -> None:
    """Emit an event for each of several customers, with as many queries as for one. See `emit`."""
    endpoints = WebhookEndpoint.objects.hearing(event_type)
    if not endpoints:
        return
    told = []
    for customer, data in happened:
        listeners = [endpoint for endpoint in endpoints if endpoint.hears_of(customer)]
        if listeners:
            told.append((_message(event_type, data, customer.uuid), listeners))
    WebhookMessage.objects.bulk_create([message for message, _ in told])
    WebhookDelivery.objects.bulk_create(
        [
            WebhookDelivery(message=message, endpoint=endpoint, makes_way=makes_way)
            for message, listeners in told
            for endpoint in listeners
        ]
    )
    if any(endpoint.is_active for _, listeners in told for endpoint in listeners):
        announce_on_commit(deliver_webhooks)


def emit_test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Emit a test message to one endpoint. Raises WebhookEndpoint.DoesNotExist when the endpoint is gone."""
    data = {"webhook": {"id": str(endpoint.uuid)}, "text": "This is a test. Nothing happened."}
    with transaction.atomic():
        if not keep_from_deletion(WebhookEndpoint, [endpoint.pk]):
            raise WebhookEndpoint.DoesNotExist
        message = _message(TEST, data)
        message.save()
        delivery = WebhookDelivery.objects.create(message=message, endpoint=endpoint, is_test=True)
        announce_on_commit(deliver_webhooks)
        return delivery


def _message(event_type: str, data: Mapping[str, Any], customer: UUID | None = None) -> WebhookMessage:
    now = timezone.now()
    payload = {"type": event_type, "timestamp": now, "data": dict(data)}
    return WebhookMessage(type=event_type, customer_uuid=customer, payload=payload, created_at=now)
