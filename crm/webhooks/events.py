"""Tell the endpoints what happened.

The rows are written in the transaction of the change, so that an event is told if and only if it happened; what brings
them to the receivers comes after the commit.
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
    """Whether there is an endpoint at all; for those whose `data` costs queries."""
    return WebhookEndpoint.objects.exclude(state=WebhookEndpoint.State.DISABLED).exists()


def emit(event_type: str, customer: Customer, data: Mapping[str, Any], *, makes_way: bool = False) -> None:
    """Tell every endpoint that listens and whose owner may see the customer. Call it in the transaction of the change.

    An event that makes way is one of many: those for which somebody may wait are delivered before it.

    `data` is thin: public ids, states and addresses below /api/v1, no names, notes or photos.
    """
    if not write_with_batch(_emit_batch, (event_type, (customer, data))):
        emit_all(event_type, [(customer, data)], makes_way=makes_way)


def _emit_batch(batch: list[tuple[str, Event]]) -> None:
    """Write events that happened in one transaction, each type with as many queries as one event takes."""
    by_type: dict[str, list[Event]] = {}
    for event_type, event in batch:
        by_type.setdefault(event_type, []).append(event)
    for event_type, events in by_type.items():
        emit_all(event_type, events, makes_way=len(events) > 1)


@transaction.atomic(savepoint=False)
def emit_all(event_type: str, happened: Iterable[Event], *, makes_way: bool) -> None:
    """The same for several customers, with as many queries as for one."""
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
    """A message of no consequence to one endpoint. Raises WebhookEndpoint.DoesNotExist when it is deleted."""
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
