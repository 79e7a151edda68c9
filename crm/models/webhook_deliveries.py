from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from crm.models.user import User
from crm.models.webhook_endpoints import WebhookEndpoint
from crm.webhooks.addresses import MAX_URL_LENGTH

# How many messages one endpoint is sent at once, so that a slow one leaves the workers to the others.
AT_ONCE_PER_ENDPOINT = 4
ABANDONED = "The attempts broke off, the last one too. Deliver it again by hand."


class WebhookMessageQuerySet(models.QuerySet["WebhookMessage"]):
    def expired(self, now: datetime) -> WebhookMessageQuerySet:
        """Older than is kept, unless an active endpoint of a member of staff is still to get it."""
        before = now - timedelta(days=settings.WEBHOOK_RETENTION_DAYS)
        getting = WebhookEndpoint.objects.of_staff().active()
        waiting = WebhookDelivery.objects.unfinished().filter(message=OuterRef("pk"), endpoint__in=getting)
        return self.filter(~Exists(waiting), created_at__lt=before)


class WebhookMessage(models.Model):
    """An event, as it is told to each endpoint that listens."""

    uuid = models.UUIDField("public ID", default=uuid.uuid4, unique=True, editable=False)
    type = models.CharField("event", max_length=50)
    payload = models.JSONField(encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = WebhookMessageQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.type} {self.uuid}"


@dataclass(frozen=True, slots=True)
class DeliveryClaim:
    """The right to attempt one delivery until the lease runs out."""

    delivery_id: int
    token: uuid.UUID


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def visible_to(self, user: User) -> WebhookDeliveryQuerySet:
        return self.filter(endpoint__in=WebhookEndpoint.objects.visible_to(user))

    def unfinished(self) -> WebhookDeliveryQuerySet:
        return self.filter(status__in=WebhookDelivery.UNFINISHED)

    def claimable(self, now: datetime) -> WebhookDeliveryQuerySet:
        """Those that wait and are due, or whose claim ran out, of active endpoints; tests go to paused ones too.

        Of staff only: what is for others waits, at the cost of no attempt, until they may log in again or it expires.

        Endpoints are looked up in subqueries: an UPDATE of joined rows would not look again at a row that another
        process has just claimed.
        """
        waiting = Q(status=WebhookDelivery.Status.PENDING, due_at__lte=now)
        abandoned = Q(status=WebhookDelivery.Status.DELIVERING, claim_expires_at__lte=now)
        its_endpoint = WebhookEndpoint.objects.of_staff().filter(pk=OuterRef("endpoint"))
        open_to_it = Exists(its_endpoint.active()) | Q(Exists(its_endpoint), is_test=True)
        return self.filter(waiting | abandoned, open_to_it, attempts__lt=max_attempts())

    def claim(self, delivery_id: int) -> DeliveryClaim | None:
        """Take the delivery with one conditional UPDATE; None when it is taken, done, or its endpoint has enough to do.

        An endpoint that is failing gets one message at a time.
        """
        now, token = timezone.now(), uuid.uuid4()
        busy = WebhookDelivery.objects.filter(
            endpoint=OuterRef("endpoint"), status=WebhookDelivery.Status.DELIVERING, claim_expires_at__gt=now
        )
        healthy = WebhookEndpoint.objects.filter(pk=OuterRef("endpoint"), failing_since=None)
        free = ~Exists(busy) | Exists(healthy) & ~Exists(busy[AT_ONCE_PER_ENDPOINT - 1 : AT_ONCE_PER_ENDPOINT])
        taken = (
            self.filter(free, pk=delivery_id)
            .claimable(now)
            .update(
                status=WebhookDelivery.Status.DELIVERING,
                claim_token=token,
                claim_expires_at=now + timedelta(seconds=settings.WEBHOOK_LEASE),
                attempts=F("attempts") + 1,
                enqueued_at=None,
            )
        )
        return DeliveryClaim(delivery_id, token) if taken else None

    def held_by(self, claim: DeliveryClaim) -> WebhookDeliveryQuerySet:
        """The claimed delivery, unless another worker has taken it over since."""
        return self.filter(pk=claim.delivery_id, status=WebhookDelivery.Status.DELIVERING, claim_token=claim.token)

    def worn_out(self, now: datetime) -> WebhookDeliveryQuerySet:
        """Those whose last attempt was abandoned."""
        return self.filter(
            status=WebhookDelivery.Status.DELIVERING, claim_expires_at__lte=now, attempts__gte=max_attempts()
        )

    def to_enqueue(self, now: datetime) -> WebhookDeliveryQuerySet:
        """Claimable ones for which nothing is in the broker: never enqueued, or so long ago that it must be lost."""
        lost_before = now - timedelta(seconds=settings.REQUEUE_AFTER)
        return self.claimable(now).filter(Q(enqueued_at=None) | Q(enqueued_at__lte=lost_before))

    def set_aside(self) -> int:
        """The message in the broker was taken, but not the delivery: another will be sent when there is room."""
        return self.filter(status=WebhookDelivery.Status.PENDING).update(enqueued_at=None)

    def finish(self, status: WebhookDelivery.Status, error: str = "") -> int:
        return self.update(
            status=status,
            error=error[:200],
            finished_at=timezone.now(),
            claim_token=None,
            claim_expires_at=None,
            enqueued_at=None,
        )

    def wait(self, due_at: datetime, **values: Any) -> int:
        """Back to the queue, not to be attempted before."""
        return self.update(
            status=WebhookDelivery.Status.PENDING,
            error="",
            due_at=due_at,
            finished_at=None,
            claim_token=None,
            claim_expires_at=None,
            enqueued_at=None,
            **values,
        )


class WebhookDelivery(models.Model):
    """One message to one endpoint, and how far that is."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        DELIVERING = "delivering", "Being delivered"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    UNFINISHED = (Status.PENDING, Status.DELIVERING)

    uuid = models.UUIDField("public ID", default=uuid.uuid4, unique=True, editable=False)
    message = models.ForeignKey(WebhookMessage, models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries")
    is_test = models.BooleanField(default=False, help_text="Attempted once, whatever the state of the endpoint.")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    error = models.CharField(max_length=200, blank=True, help_text="Why it ended without success, for people.")
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now, help_text="Not to be attempted before.")
    enqueued_at = models.DateTimeField(null=True)
    claim_token = models.UUIDField(null=True)
    claim_expires_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "webhook deliveries"
        indexes = (
            models.Index(
                fields=["endpoint", "due_at"],
                condition=Q(status__in=["pending", "delivering"]),
                name="webhook_delivery_unfinished",
            ),
            models.Index(
                fields=["endpoint"], condition=Q(status="delivering"), name="webhook_delivery_delivering"
            ),  # a few, however many wait
            models.Index(fields=["due_at"], condition=Q(status="pending", is_test=True), name="webhook_delivery_tests"),
            models.Index(fields=["endpoint", "-id"], name="webhook_delivery_of_endpoint"),
            models.Index(fields=["created_at", "id"], name="webhook_delivery_by_creation"),
        )
        constraints = (
            models.UniqueConstraint(fields=["message", "endpoint"], name="webhook_delivery_once_per_endpoint"),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "delivering", "delivered", "failed"]),
                name="webhook_delivery_status_known",
            ),
            models.CheckConstraint(
                condition=Q(status="delivering", claim_token__isnull=False, claim_expires_at__isnull=False)
                | Q(~Q(status="delivering"), claim_token=None, claim_expires_at=None),
                name="webhook_delivery_claimed_while_delivering",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["pending", "delivering"], finished_at=None)
                | Q(status__in=["delivered", "failed"], finished_at__isnull=False),
                name="webhook_delivery_finished_at_the_end",
            ),
        )

    def __str__(self) -> str:
        return f"Delivery {self.uuid}"


class DeliveryAttempt(models.Model):
    """One request to an endpoint and what came back; its body is the message's payload."""

    delivery = models.ForeignKey(WebhookDelivery, models.CASCADE, related_name="log")
    started_at = models.DateTimeField()
    duration = models.FloatField(help_text="Seconds.")
    url = models.CharField("address", max_length=MAX_URL_LENGTH)
    request_headers = models.JSONField(help_text="As sent; the signatures give nothing of the secret away.")
    response_status = models.PositiveSmallIntegerField(null=True)
    response_body = models.TextField(blank=True, help_text="The first 2 KB.")
    error = models.CharField(max_length=200, blank=True, help_text="Why there was no answer, or why it did not do.")

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M:%S}: {self.response_status or self.error}"


def max_attempts() -> int:
    return len(settings.WEBHOOK_RETRY_DELAYS) + 1
