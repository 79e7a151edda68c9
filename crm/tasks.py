"""Celery entry points of the CRM. Each may be run twice."""

from celery import shared_task
from django.utils import timezone

from crm.dispatch import Work
from crm.forgetting import empty_write_ahead_log
from crm.models import IdempotentRequest, WebhookDelivery, WebhookMessage, WorkerHeartbeat
from crm.models.webhook_deliveries import ABANDONED
from crm.outage import outlasting_outages
from crm.queues import purge
from crm.webhooks.delivery import deliver

SLICE = 1.0  # seconds after which a worker lets other messages in between
DELETED_AT_ONCE = 1000


@shared_task
@outlasting_outages
def deliver_webhooks() -> None:
    DELIVERIES.go_on(SLICE)


@shared_task
def sweep_webhooks() -> None:
    """Replace lost messages, give up what cannot be delivered, delete what is old."""
    now = timezone.now()
    for delivery_id in list(WebhookDelivery.objects.worn_out(now).values_list("pk", flat=True)):
        WebhookDelivery.objects.worn_out(now).filter(pk=delivery_id).finish(WebhookDelivery.Status.FAILED, ABANDONED)
    DELIVERIES.announce_rest()
    old = list(
        WebhookMessage.objects.expired(now).order_by("created_at").values_list("pk", flat=True)[:DELETED_AT_ONCE]
    )
    WebhookMessage.objects.filter(pk__in=old).delete()


@shared_task
def forget_old_requests() -> None:
    """Delete what was kept for requests that might be sent again (crm/api/idempotency.py), and of workers long gone."""
    IdempotentRequest.objects.forget_old()
    empty_write_ahead_log()
    for queue in list(WorkerHeartbeat.objects.long_gone(timezone.now()).values_list("pk", flat=True)):
        purge(queue)  # of the last message, which nobody took
        WorkerHeartbeat.objects.long_gone(timezone.now()).filter(pk=queue).delete()


@shared_task
def heartbeat() -> None:
    """Nothing: that a worker completes it is what counts (crm/heartbeat.py)."""


DELIVERIES = Work(
    task=deliver_webhooks,
    waits=WebhookDelivery.objects.waits,
    claim_next=WebhookDelivery.objects.claim_next,
    do=deliver,
)
