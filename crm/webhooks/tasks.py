"""Celery entry points of webhooks. Each may be run twice."""

from celery import shared_task
from django.utils import timezone

from crm.webhooks.delivery import deliver
from crm.webhooks.models.deliveries import ABANDONED, WebhookDelivery, WebhookMessage
from jobs.dispatch import Work
from jobs.outage import outlasting_outages

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
        WebhookDelivery.objects.worn_out(now).filter(pk=delivery_id).fail(ABANDONED)
    DELIVERIES.announce_rest()
    old = list(
        WebhookMessage.objects.expired(now).order_by("created_at").values_list("pk", flat=True)[:DELETED_AT_ONCE]
    )
    WebhookMessage.objects.filter(pk__in=old).delete()


DELIVERIES = Work(
    task=deliver_webhooks,
    waits=WebhookDelivery.objects.waits,
    claim_next=WebhookDelivery.objects.claim_next,
    do=deliver,
)
