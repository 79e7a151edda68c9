"""Register deliveries as a kind of work (jobs/kinds.py)."""

from django.urls import reverse

from crm.accounts.models import User
from crm.webhooks.models.deliveries import WebhookDelivery
from crm.webhooks.services import EndpointUnsubscribed, redeliver
from crm.webhooks.tasks import DELIVERIES
from jobs import kinds


def register() -> None:
    kinds.register(
        WebhookDelivery,
        title="Webhook deliveries",
        singular="Delivery",
        line=DELIVERIES,
        started_by="endpoint__owner",
        address=_page,
        retry=_retry,
    )


def _page(delivery: WebhookDelivery, person: User) -> str:
    if not (person.has_perm("crm.view_webhookendpoint") or person.has_perm("crm.change_webhookendpoint")):
        return ""
    return reverse("admin:crm_webhookdelivery_change", args=[delivery.pk])


def _retry(delivery: WebhookDelivery) -> bool:
    try:
        return redeliver(delivery)
    except EndpointUnsubscribed:
        return False
