"""Define the Celery tasks of webhooks. Running one twice does no harm."""

from celery import shared_task
from django.utils import timezone

from crm.webhooks.delivery import deliver
from crm.webhooks.models.deliveries import WebhookDelivery, WebhookMessage
from jobs.dispatch import Line
from jobs.outage import outlasting_outages

SLICE = 1.0  # After this many seconds, a worker takes other messages too.
DELETED_AT_ONCE = 1000


@shared_task
@outlasting_outages
def deliver_webhooks() -> None:
    DELIVERIES.go_on(SLICE)


@shared_task
def forget_old_messages() -> None:
    """Delete expired messages and their deliveries in batches."""
    expired = WebhookMessage.objects.expired(timezone.now()).order_by("created_at")
    while old := list(expired.values_list("pk", flat=True)[:DELETED_AT_ONCE]):
        WebhookMessage.objects.filter(pk__in=old).delete()


DELIVERIES = Line(
    task=deliver_webhooks,
    waits=WebhookDelivery.objects.waits,
    claim_next=WebhookDelivery.objects.claim_next,
    do=deliver,
)
