"""Send claimed deliveries and store the answers. No other module sends webhooks."""

from __future__ import annotations

import json
import logging
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from crm.webhooks.models.deliveries import DeliveryAttempt, WebhookDelivery
from crm.webhooks.models.endpoints import GONE, WebhookEndpoint
from crm.webhooks.signing import signed_headers
from crm.webhooks.transport import Answer, post
from jobs.attempts import attempt
from jobs.work import Claim

logger = logging.getLogger(__name__)

GAVE_UP = "Given up after {attempts} attempts. The last one: {why}"
TEST_FAILED = "The test failed: {why}"

Status = WebhookDelivery.Status


def deliver(claim: Claim) -> None:
    """Attempt a claimed delivery. Do nothing if another worker has taken it over."""
    delivery = WebhookDelivery.objects.held_by(claim).select_related("message", "endpoint").first()
    if delivery is None:  # It was deleted, or another worker holds it now.
        return
    with attempt(delivery):
        started = timezone.now()
        answer = _send(delivery, started)
        _store(claim, delivery, started, answer)


def _send(delivery: WebhookDelivery, now: datetime) -> Answer:
    endpoint, message = delivery.endpoint, delivery.message
    body = json.dumps(message.payload, separators=(",", ":"))
    return post(endpoint.url, body, signed_headers(str(message.uuid), now, body, endpoint.valid_secrets(now)))


@transaction.atomic
def _store(claim: Claim, delivery: WebhookDelivery, started: datetime, answer: Answer) -> None:
    """Log the attempt. Update the delivery only if this worker still holds the claim."""
    # Every transaction locks the endpoint first, so that two of them cannot deadlock. The lock leaves the key free,
    # because events that are stored at the same time refer to it.
    endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk=delivery.endpoint_id).first()
    if endpoint is None or not WebhookDelivery.objects.filter(pk=delivery.pk).exists():  # They were deleted meanwhile.
        return
    _log(delivery, started, answer)
    held = WebhookDelivery.objects.held_by(claim)
    if answer.accepted:
        held.end(Status.DELIVERED)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).note_success()
    elif answer.gone:
        unsubscribe(endpoint)
    elif delivery.is_test:
        held.fail(TEST_FAILED.format(why=_why(answer)))
    else:
        _try_again_or_give_up(claim, delivery.attempts, answer)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).note_failure()


def _log(delivery: WebhookDelivery, started: datetime, answer: Answer) -> None:
    DeliveryAttempt.objects.create(
        delivery=delivery,
        started_at=started,
        duration=answer.seconds,
        url=delivery.endpoint.url,
        request_headers=answer.headers,
        response_status=answer.status,
        response_body=answer.body,
        error=answer.error[:200],
    )


def _try_again_or_give_up(claim: Claim, attempts: int, answer: Answer) -> None:
    held = WebhookDelivery.objects.held_by(claim)
    if attempts >= WebhookDelivery.max_attempts():
        held.fail(GAVE_UP.format(attempts=attempts, why=_why(answer)))
    else:
        held.release(WebhookDelivery.retry_delay(attempts))


def _why(answer: Answer) -> str:
    return answer.error or f"answer {answer.status}."


def unsubscribe(endpoint: WebhookEndpoint) -> None:
    """Disable an endpoint that wants no more messages, and fail its unfinished deliveries. Call it in a transaction."""
    WebhookEndpoint.objects.filter(pk=endpoint.pk).stop(WebhookEndpoint.State.DISABLED, GONE, automatically=True)
    WebhookDelivery.objects.filter(endpoint=endpoint).unfinished().fail(GONE)
