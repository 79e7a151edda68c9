"""Change endpoints and deliveries on behalf of staff and API clients."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from crm.accounts.models import User
from crm.webhooks.events import emit_test
from crm.webhooks.models.deliveries import WebhookDelivery
from crm.webhooks.models.endpoints import WebhookEndpoint
from crm.webhooks.tasks import deliver_webhooks
from jobs.dispatch import announce_on_commit

STOPPED_BY_A_PERSON = "Somebody paused it."

State = WebhookEndpoint.State


class EndpointUnsubscribed(Exception):
    """Report that the receiver answered 410 Gone, so that nothing may be sent to it."""

    def __init__(self) -> None:
        super().__init__("The receiver has unsubscribed with 410 Gone. Resume the webhook first.")


def add_endpoint(owner: User, *, url: str, events: Sequence[str], description: str = "") -> WebhookEndpoint:
    """Create an active endpoint. Show its `secret` now and never again. Raises ValidationError."""
    endpoint = WebhookEndpoint(owner=owner, url=url, events=list(events), description=description)
    endpoint.full_clean()
    endpoint.save()
    return endpoint


@transaction.atomic
def rotate_secret(endpoint: WebhookEndpoint) -> str:
    """Make a new secret and return it, to be shown once. Earlier secrets keep signing until they expire."""
    locked = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    locked.rotate(timezone.now())
    locked.save(update_fields=["previous_secrets", "secret", "rotated_at", "updated_at"])
    return locked.secret


def end_old_secrets(endpoint: WebhookEndpoint) -> None:
    """Sign only with the newest secret from now on, for example because an older one has leaked."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(previous_secrets=[])


def pause(endpoint: WebhookEndpoint, reason: str = STOPPED_BY_A_PERSON) -> bool:
    """Make messages wait from now on; return False when the endpoint is not active.

    Deliveries that are already on their way still arrive.
    """
    return bool(WebhookEndpoint.objects.filter(pk=endpoint.pk).active().stop(State.PAUSED, reason[:200]))


@transaction.atomic
def resume(endpoint: WebhookEndpoint) -> bool:
    """Deliver waiting and new messages from now on; return False when the endpoint is already active."""
    stopped = WebhookEndpoint.objects.filter(pk=endpoint.pk).exclude(state=State.ACTIVE)
    if not stopped.start():
        return False
    now = timezone.now()
    waiting = WebhookDelivery.objects.waiting().filter(endpoint=endpoint)
    waiting.filter(due_at__gt=now).update(due_at=now)
    announce_on_commit(deliver_webhooks)
    return True


def send_test(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Send a `webhook.test` message with a single attempt, even to a paused endpoint. Raises EndpointUnsubscribed."""
    if WebhookEndpoint.objects.filter(pk=endpoint.pk, state=State.DISABLED).exists():
        raise EndpointUnsubscribed
    return emit_test(endpoint)


@transaction.atomic
def redeliver(delivery: WebhookDelivery) -> bool:
    """Deliver the message again from the first attempt; return False while it is being delivered.

    Raises EndpointUnsubscribed.
    """
    endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=delivery.endpoint_id)
    if endpoint.state == State.DISABLED:
        raise EndpointUnsubscribed
    if not WebhookDelivery.objects.filter(pk=delivery.pk).retry(makes_way=False):
        return False
    announce_on_commit(deliver_webhooks)
    return True


@transaction.atomic
def redeliver_failed(endpoint: WebhookEndpoint) -> int:
    """Deliver all failed messages again that are still kept; return how many. Raises EndpointUnsubscribed."""
    locked = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    if locked.state == State.DISABLED:
        raise EndpointUnsubscribed
    failed = WebhookDelivery.objects.filter(Q(is_test=False), endpoint=endpoint, status=WebhookDelivery.Status.FAILED)
    count = failed.retry(makes_way=True)
    announce_on_commit(deliver_webhooks)
    return count
