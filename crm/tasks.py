"""Celery entry points of the CRM. Each takes an ID and may be run twice."""

from collections.abc import Iterable

from celery import shared_task
from django.utils import timezone

from crm.dispatch import send
from crm.models import IdempotentRequest, WebhookDelivery, WebhookEndpoint, WebhookMessage, WorkerHeartbeat
from crm.models.webhook_deliveries import ABANDONED
from crm.outage import outlasting_outages
from crm.queues import purge
from crm.webhooks.delivery import deliver

# Of each endpoint: about what it takes between two sweeps. Whoever delivers one sends the next.
SWEPT_AT_ONCE = 50
NEXT_AT_ONCE = 2  # for each that is done, so that an endpoint soon gets as many at a time again as it may
DELETED_AT_ONCE = 1000


@shared_task
@outlasting_outages
def deliver_webhook(delivery_id: int) -> None:
    endpoint_id = deliver(delivery_id)
    if endpoint_id is not None:
        enqueue(_waiting(endpoint_id, NEXT_AT_ONCE))


@shared_task
def sweep_webhooks() -> None:
    """Enqueue whatever no message stands for any more, give up what cannot be delivered, delete what is old."""
    now = timezone.now()
    for delivery_id in list(WebhookDelivery.objects.worn_out(now).values_list("pk", flat=True)):
        WebhookDelivery.objects.worn_out(now).filter(pk=delivery_id).finish(WebhookDelivery.Status.FAILED, ABANDONED)
    # Endpoint by endpoint: one with many that wait takes no turns from the others.
    for endpoint_id in list(WebhookEndpoint.objects.of_staff().active().values_list("pk", flat=True)):
        enqueue(_waiting(endpoint_id, SWEPT_AT_ONCE))
    tests = WebhookDelivery.objects.to_enqueue(now).filter(is_test=True, status=WebhookDelivery.Status.PENDING)
    enqueue(list(tests.values_list("pk", flat=True)[:SWEPT_AT_ONCE]))
    old = list(
        WebhookMessage.objects.expired(now).order_by("created_at").values_list("pk", flat=True)[:DELETED_AT_ONCE]
    )
    WebhookMessage.objects.filter(pk__in=old).delete()


@shared_task
def forget_old_requests() -> None:
    """Delete what was kept for requests that might be sent again (crm/api/idempotency.py), and of workers long gone."""
    IdempotentRequest.objects.forget_old()
    for queue in list(WorkerHeartbeat.objects.long_gone(timezone.now()).values_list("pk", flat=True)):
        purge(queue)  # of the last message, which nobody took
        WorkerHeartbeat.objects.long_gone(timezone.now()).filter(pk=queue).delete()


@shared_task
def heartbeat() -> None:
    """Nothing: that a worker completes it is what counts (crm/heartbeat.py)."""


def _waiting(endpoint_id: int, count: int) -> list[int]:
    waiting = WebhookDelivery.objects.to_enqueue(timezone.now()).filter(endpoint=endpoint_id)
    return list(waiting.order_by("due_at").values_list("pk", flat=True)[:count])


def enqueue(delivery_ids: Iterable[int]) -> None:
    """Send the tasks, but none that another process just sent. With the broker down, the rows wait for the sweep."""
    send(deliver_webhook, WebhookDelivery.objects, delivery_ids)
