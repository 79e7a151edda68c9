"""Tell the endpoints what happened.

The rows are written in the transaction of the change, so that an event is told if and only if it happened; what brings
them to the receivers comes after the commit.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from crm.models import Customer, WebhookDelivery, WebhookEndpoint, WebhookMessage
from crm.tasks import deliver_webhooks
from crm.webhooks.event_types import TEST
from jobs.dispatch import announce_on_commit

Event = tuple[Customer, Mapping[str, Any]]
_gathered: ContextVar[dict[str, list[Event]] | None] = ContextVar("gathered_events", default=None)


def somebody_listens() -> bool:
    """Whether there is an endpoint at all; for those whose `data` costs queries."""
    return WebhookEndpoint.objects.exclude(state=WebhookEndpoint.State.DISABLED).exists()


def emit(event_type: str, customer: Customer, data: Mapping[str, Any], *, makes_way: bool = False) -> None:
    """Tell every endpoint that listens and whose owner may see the customer. Call it in the transaction of the change.

    An event that makes way is one of many: those for which somebody may wait are delivered before it.

    `data` is thin: public ids, states and addresses below /api/v1, no names, notes or photos.
    """
    if (gathered := _gathered.get()) is not None:
        gathered.setdefault(event_type, []).append((customer, data))
    else:
        emit_all(event_type, [(customer, data)], makes_way=makes_way)


@contextmanager
def emitted_together() -> Iterator[None]:
    """Within the block events are gathered, and written down at its end: each kind with as many queries as one event.

    For changes of many rows. Use it inside their transaction.
    """
    gathered: dict[str, list[Event]] = {}
    token = _gathered.set(gathered)
    try:
        yield
    finally:
        _gathered.reset(token)
    for event_type, happened in gathered.items():
        emit_all(event_type, happened, makes_way=len(happened) > 1)


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
    with transaction.atomic(savepoint=False):
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
    """A message of no consequence to one endpoint."""
    data = {"webhook": {"id": str(endpoint.uuid)}, "text": "This is a test. Nothing happened."}
    with transaction.atomic():
        message = _message(TEST, data)
        message.save()
        delivery = WebhookDelivery.objects.create(message=message, endpoint=endpoint, is_test=True)
        announce_on_commit(deliver_webhooks)
        return delivery


def _message(event_type: str, data: Mapping[str, Any], customer: UUID | None = None) -> WebhookMessage:
    now = timezone.now()
    payload = {"type": event_type, "timestamp": now, "data": dict(data)}
    return WebhookMessage(type=event_type, customer_uuid=customer, payload=payload, created_at=now)
