from __future__ import annotations

import random
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from crm.accounts.models import User
from crm.webhooks.addresses import MAX_URL_LENGTH
from crm.webhooks.models.endpoints import WebhookEndpoint, WebhookEndpointQuerySet
from jobs.work import Claim, State, Work, WorkQuerySet, constraints_of_work

# One endpoint is sent at most this many messages at once, so that a slow one cannot occupy all workers.
AT_ONCE_PER_ENDPOINT = 4
JITTER = 0.2  # Each delay is varied by up to this share, up or down.
# These conditions mean urgent, bulk and test. An index finds the first delivery of each, however many wait.
# SQLite's planner uses that index for `IN (0)`, but not for `NOT`.
QUICKLY_FOUND = (("makes_way__in", [False]), ("makes_way__in", [True]), ("is_test", True))
ABANDONED = "The attempts broke off, the last one too. Deliver it again by hand."


class WebhookMessageQuerySet(models.QuerySet["WebhookMessage"]):
    def expired(self, now: datetime) -> WebhookMessageQuerySet:
        """Return messages past the retention time, except those that an active endpoint of staff still waits for."""
        before = now - timedelta(days=settings.WEBHOOK_RETENTION_DAYS)
        getting = WebhookEndpoint.objects.of_staff().active()
        waiting = WebhookDelivery.objects.unfinished().filter(message=OuterRef("pk"), endpoint__in=getting)
        return self.filter(~Exists(waiting), created_at__lt=before)

    def about(self, customers: Iterable[uuid.UUID]) -> WebhookMessageQuerySet:
        return self.filter(customer_uuid__in=list(customers))

    @transaction.atomic
    def forget(self) -> None:
        """Delete these messages and all of their deliveries."""
        # Every transaction locks the endpoints first, so that two of them cannot deadlock.
        told = WebhookDelivery.objects.filter(message__in=self.order_by()).values("endpoint")
        list(
            WebhookEndpoint.objects.select_for_update(no_key=True).filter(pk__in=told).order_by("pk").values_list("pk")
        )
        self.delete()


class WebhookMessage(models.Model):
    """Hold an event as it is sent to each endpoint that listens."""

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


class WebhookDeliveryQuerySet(WorkQuerySet["WebhookDelivery"]):
    def visible_to(self, user: User) -> WebhookDeliveryQuerySet:
        return self.filter(endpoint__in=WebhookEndpoint.objects.visible_to(user))

    def endpoints_to_serve(self, now: datetime) -> WebhookEndpointQuerySet:
        """Return the endpoints that can be sent a delivery now, in the order in which they are served.

        Endpoints with an urgent delivery come first. Among equals, the one that was served longest ago
        comes first. Paused endpoints are sent tests only. An owner who may no longer log in is sent
        nothing: the deliveries wait, without using up attempts, until the owner may log in again or
        the messages expire.
        """
        due = WebhookDelivery.objects.claimable(now).filter(endpoint=OuterRef("pk"))
        urgent, bulk, test = (Exists(due.filter(**{name: value})) for name, value in QUICKLY_FOUND)
        busy = WebhookDelivery.objects.unfinished().filter(endpoint=OuterRef("pk"), claim_expires_at__gt=now)
        # A failing endpoint is sent one message at a time.
        room = ~Exists(busy) | Q(failing_since=None) & ~Exists(busy[AT_ONCE_PER_ENDPOINT - 1 : AT_ONCE_PER_ENDPOINT])
        wanting = Q(urgent | bulk, state=WebhookEndpoint.State.ACTIVE) | test
        ordered = WebhookEndpoint.objects.of_staff().alias(is_urgent=urgent).filter(room, wanting)
        return ordered.order_by("-is_urgent", F("served_at").asc(nulls_first=True), "pk")

    def waits(self) -> bool:
        """Return whether any delivery can be claimed now."""
        return self.endpoints_to_serve(timezone.now()).exists()

    @transaction.atomic
    def claim(self, most: int) -> list[Claim]:
        """Claim deliveries one by one, because each counts against its endpoint's limit."""
        now, claims = timezone.now(), list[Claim]()
        while len(claims) < most and (claim := self._claim_for_next_endpoint(now)):
            claims.append(claim)
        return claims

    def _claim_for_next_endpoint(self, now: datetime) -> Claim | None:
        """Claim the most urgent delivery; return None when no endpoint can be sent one now."""
        tried: list[int] = []
        while endpoint := self._lock_next_endpoint(now, tried):
            tried.append(endpoint.pk)
            # Check again under the lock, because another worker may just have taken the last free place.
            if self.endpoints_to_serve(now).filter(pk=endpoint.pk).exists() and (claim := self._claim_for(endpoint)):
                WebhookEndpoint.objects.filter(pk=endpoint.pk).update(served_at=now)
                return claim
        return None

    def _lock_next_endpoint(self, now: datetime, tried: list[int]) -> WebhookEndpoint | None:
        """Lock and return the next endpoint. Skip locked ones, because the worker that holds the lock serves them."""
        endpoints = self.endpoints_to_serve(now).exclude(pk__in=tried)
        return endpoints.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()

    def _claim_for(self, endpoint: WebhookEndpoint) -> Claim | None:
        """Claim the endpoint's most urgent delivery, if there is one. Call it with the endpoint locked."""
        deliveries = self.filter(endpoint=endpoint)
        if not endpoint.is_active:
            deliveries = deliveries.filter(is_test=True)
        return next(iter(super(WebhookDeliveryQuerySet, deliveries).claim(1)), None)


STATES = {
    "pending": State.WAITING,
    "delivering": State.CLAIMED,
    "delivered": State.DONE,
    "failed": State.FAILED,
}


class WebhookDelivery(Work):
    """Track the delivery of one message to one endpoint."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        DELIVERING = "delivering", "Being delivered"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    STATES = STATES
    ERROR_LENGTH = 200
    GIVEN_UP = ABANDONED

    uuid = models.UUIDField("public ID", default=uuid.uuid4, unique=True, editable=False)
    message = models.ForeignKey(WebhookMessage, models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries")
    is_test = models.BooleanField(default=False, help_text="Attempted once, whatever the state of the endpoint.")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    error = models.CharField(max_length=ERROR_LENGTH, blank=True, help_text="Why it ended without success, for people.")
    created_at = models.DateTimeField(default=timezone.now)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "webhook deliveries"
        indexes = (
            models.Index(
                fields=["endpoint", "makes_way", "due_at"],
                condition=Q(finished_at=None),
                name="webhook_delivery_unfinished",
            ),
            models.Index(
                fields=["endpoint", "claim_expires_at"],
                condition=Q(finished_at=None, claim_expires_at__isnull=False),
                name="webhook_delivery_delivering",
            ),  # This index stays small, however many deliveries wait.
            models.Index(
                fields=["endpoint", "due_at"],
                condition=Q(finished_at=None, is_test=True),
                name="webhook_delivery_tests",
            ),
            models.Index(fields=["endpoint", "-id"], name="webhook_delivery_of_endpoint"),
            models.Index(fields=["created_at", "id"], name="webhook_delivery_by_creation"),
        )
        constraints = (
            models.UniqueConstraint(fields=["message", "endpoint"], name="webhook_delivery_once_per_endpoint"),
            *constraints_of_work("webhook_delivery", STATES),
        )

    def __str__(self) -> str:
        return f"Delivery {self.uuid}"

    @classmethod
    def max_attempts(cls) -> int:
        return len(settings.WEBHOOK_RETRY_DELAYS) + 1

    @classmethod
    def lease(cls) -> timedelta:
        return timedelta(seconds=settings.WEBHOOK_LEASE)

    @classmethod
    def retry_delay(cls, attempts: int) -> timedelta:
        """Return the configured delay with jitter, so that deliveries that failed together are not retried together."""
        delay = settings.WEBHOOK_RETRY_DELAYS[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
        return timedelta(seconds=delay)


class DeliveryAttempt(models.Model):
    """Log one request to an endpoint and its answer. The request's body is the message's payload."""

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
