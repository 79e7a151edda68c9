from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from crm.accounts.models import User
from crm.webhooks.addresses import MAX_URL_LENGTH
from crm.webhooks.models.endpoints import WebhookEndpoint, WebhookEndpointQuerySet
from jobs.literals import literals

# How many messages one endpoint is sent at once, so that a slow one leaves the workers to the others.
AT_ONCE_PER_ENDPOINT = 4
# Urgent ones, bulk, tests: an index finds the first of each, however many deliveries wait. SQLite's planner uses it for
# `IN (0)` and not for `NOT`.
QUICKLY_FOUND = (("makes_way__in", [False]), ("makes_way__in", [True]), ("is_test", True))
ABANDONED = "The attempts broke off, the last one too. Deliver it again by hand."


class WebhookMessageQuerySet(models.QuerySet["WebhookMessage"]):
    def expired(self, now: datetime) -> WebhookMessageQuerySet:
        """Older than is kept, unless an active endpoint of a member of staff is still to get it."""
        before = now - timedelta(days=settings.WEBHOOK_RETENTION_DAYS)
        getting = WebhookEndpoint.objects.of_staff().active()
        waiting = WebhookDelivery.objects.unfinished().filter(message=OuterRef("pk"), endpoint__in=getting)
        return self.filter(~Exists(waiting), created_at__lt=before)

    def about(self, customers: Iterable[uuid.UUID]) -> WebhookMessageQuerySet:
        return self.filter(customer_uuid__in=list(customers))

    @transaction.atomic
    def forget(self) -> None:
        """Delete them with their deliveries, delivered or not."""
        # The endpoints first, as everywhere, so that two transactions cannot wait for each other.
        told = WebhookDelivery.objects.filter(message__in=self.order_by()).values("endpoint")
        list(
            WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk__in=told).order_by("pk").values_list("pk")
        )
        self.delete()


class WebhookMessage(models.Model):
    """An event, as it is told to each endpoint that listens."""

    uuid = models.UUIDField("public ID", default=uuid.uuid4, unique=True, editable=False)
    type = models.CharField("event", max_length=50)
    customer_uuid = models.UUIDField("customer", null=True, editable=False, db_index=True, help_text="Empty: a test.")
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
        return self.filter(status__in=literals(WebhookDelivery.UNFINISHED))

    def due(self, now: datetime) -> WebhookDeliveryQuerySet:
        """Return those that wait and are due, or whose claim ran out, whatever the state of their endpoint."""
        waiting = Q(status=WebhookDelivery.Status.PENDING)
        abandoned = Q(status=WebhookDelivery.Status.DELIVERING, claim_expires_at__lte=now)
        # The first condition follows from the second, and is that of the index.
        return self.unfinished().filter(waiting | abandoned, due_at__lte=now, attempts__lt=max_attempts())

    def endpoints_to_serve(self, now: datetime) -> WebhookEndpointQuerySet:
        """Return the endpoints that are due a delivery and have room for it, in the order in which they get one.

        Those come first that are due one for which somebody may wait; among equals, the one that was served
        longest ago. Only endpoints of staff: what is for others waits, at the cost of no attempt, until they may log
        in again or it expires. Tests go to paused endpoints too.
        """
        due = self.due(now).filter(endpoint=OuterRef("pk"))
        urgent, bulk, test = (Exists(due.filter(**{name: value})) for name, value in QUICKLY_FOUND)
        busy = WebhookDelivery.objects.filter(
            endpoint=OuterRef("pk"), status=WebhookDelivery.Status.DELIVERING, claim_expires_at__gt=now
        )
        # An endpoint that is failing gets one message at a time.
        room = ~Exists(busy) | Q(failing_since=None) & ~Exists(busy[AT_ONCE_PER_ENDPOINT - 1 : AT_ONCE_PER_ENDPOINT])
        wanting = Q(urgent | bulk, state=WebhookEndpoint.State.ACTIVE) | test
        ordered = WebhookEndpoint.objects.of_staff().alias(is_urgent=urgent).filter(room, wanting)
        return ordered.order_by("-is_urgent", F("served_at").asc(nulls_first=True), "pk")

    def waits(self) -> bool:
        """Whether anything could be claimed now."""
        return self.endpoints_to_serve(timezone.now()).exists()

    @transaction.atomic
    def claim_next(self) -> DeliveryClaim | None:
        """Take the most urgent delivery; None when none is due to an endpoint that has room for it."""
        now = timezone.now()
        tried: list[int] = []
        while endpoint := self._lock_next_endpoint(now, tried):
            tried.append(endpoint.pk)
            # Counted anew behind the lock: another worker may have taken the last place a moment ago.
            if self.endpoints_to_serve(now).filter(pk=endpoint.pk).exists() and (claim := self._claim_for(endpoint)):
                WebhookEndpoint.objects.filter(pk=endpoint.pk).update(served_at=now)
                return claim
        return None

    def _lock_next_endpoint(self, now: datetime, tried: list[int]) -> WebhookEndpoint | None:
        """Skip those that another worker has locked: it looks for more after that."""
        endpoints = self.endpoints_to_serve(now).exclude(pk__in=tried)
        return endpoints.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()

    def _claim_for(self, endpoint: WebhookEndpoint) -> DeliveryClaim | None:
        """Take the endpoint's most urgent delivery. Call it with the endpoint locked."""
        now, token = timezone.now(), uuid.uuid4()
        due = self.due(now).filter(endpoint=endpoint)
        if not endpoint.is_active:
            due = due.filter(is_test=True)
        # Somebody may just be deleting it, and wait for the endpoint.
        free = due.order_by("makes_way", "due_at", "pk").select_for_update(no_key=True, skip_locked=True)
        delivery_id = free.values_list("pk", flat=True).first()
        if delivery_id is None:
            return None
        self.filter(pk=delivery_id).update(
            status=WebhookDelivery.Status.DELIVERING,
            claim_token=token,
            claim_expires_at=now + timedelta(seconds=settings.WEBHOOK_LEASE),
            attempts=F("attempts") + 1,
        )
        return DeliveryClaim(delivery_id, token)

    def held_by(self, claim: DeliveryClaim) -> WebhookDeliveryQuerySet:
        """The claimed delivery, unless another worker has taken it over since."""
        return self.filter(pk=claim.delivery_id, status=WebhookDelivery.Status.DELIVERING, claim_token=claim.token)

    def worn_out(self, now: datetime) -> WebhookDeliveryQuerySet:
        """Those whose last attempt was abandoned."""
        return self.filter(
            status=WebhookDelivery.Status.DELIVERING, claim_expires_at__lte=now, attempts__gte=max_attempts()
        )

    def finish(self, status: WebhookDelivery.Status, error: str = "") -> int:
        return self.update(
            status=status,
            error=error[:200],
            finished_at=timezone.now(),
            claim_token=None,
            claim_expires_at=None,
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
    makes_way = models.BooleanField(
        default=False, db_default=False, help_text="It tells of one of many changes: others are delivered before it."
    )
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    error = models.CharField(max_length=200, blank=True, help_text="Why it ended without success, for people.")
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now, help_text="Not to be attempted before.")
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
                fields=["endpoint", "makes_way", "due_at"],
                condition=Q(status__in=["pending", "delivering"]),
                name="webhook_delivery_unfinished",
            ),
            models.Index(
                fields=["endpoint"], condition=Q(status="delivering"), name="webhook_delivery_delivering"
            ),  # a few, however many wait
            models.Index(
                fields=["endpoint", "due_at"],
                condition=Q(status__in=["pending", "delivering"], is_test=True),
                name="webhook_delivery_tests",
            ),
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
