from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from crm.accounts.models import User
from crm.customers.models import Customer
from crm.privacy.deletion import LockedDeletion, LockedDeletionQuerySet, keep_from_deletion
from crm.text.fields import CharField
from crm.webhooks.addresses import MAX_URL_LENGTH, check_url
from crm.webhooks.event_types import event_types
from crm.webhooks.signing import new_secret

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
GONE = "The receiver answered 410 Gone: it wants no more messages."
FAILED_FOR_LONG = "Nothing could be delivered for {hours} hours, in {failures} attempts one after another."


def check_events(values: object) -> None:
    """Raise ValidationError unless this is a list of at least one event type without duplicates."""
    if not isinstance(values, list) or not values or not all(isinstance(value, str) for value in values):
        raise ValidationError("Choose what the endpoint shall hear of.")
    if unknown := sorted(set(values) - set(event_types())):
        raise ValidationError(f"There is no event {unknown[0]}. There are {', '.join(event_types())}.")
    if len(set(values)) < len(values):
        raise ValidationError("Name each event once.")


class WebhookEndpointQuerySet(LockedDeletionQuerySet["WebhookEndpoint"]):
    def visible_to(self, user: User) -> WebhookEndpointQuerySet:
        """Return the endpoints that the user may see: their own, or all if they may see every customer.

        Messages are about customers, so the permission to see every customer decides.
        """
        if not user.is_active or not user.is_staff:
            return self.none()
        return self.all() if user.has_perm("crm.view_every_customer") else self.filter(owner=user)

    def of_staff(self) -> WebhookEndpointQuerySet:
        """Return endpoints of owners who may still log in. Only these are sent messages."""
        return self.filter(owner__is_active=True, owner__is_staff=True)

    def active(self) -> WebhookEndpointQuerySet:
        return self.filter(state=WebhookEndpoint.State.ACTIVE)

    def hearing(self, event_type: str) -> list[WebhookEndpoint]:
        """Return the active and paused endpoints that listen to this event type, ready for `hears_of`.

        They cannot be deleted until the transaction ends. Takes at most three queries.
        """
        endpoints = self.of_staff().exclude(state=WebhookEndpoint.State.DISABLED).order_by("pk")
        listening = [endpoint for endpoint in endpoints if event_type in endpoint.events]
        if listening:
            kept = keep_from_deletion(WebhookEndpoint, [endpoint.pk for endpoint in listening])
            listening = [endpoint for endpoint in listening if endpoint.pk in kept]
        if listening:
            # Ask only when somebody listens, because this would be the slowest query of every change.
            seeing = User.objects.with_perm("crm.view_every_customer", backend=MODEL_BACKEND)
            seeing_all = set(seeing.filter(pk__in={each.owner_id for each in listening}).values_list("pk", flat=True))
            for endpoint in listening:
                endpoint.owner_sees_every_customer = endpoint.owner_id in seeing_all
        return listening

    def note_success(self) -> int:
        return self.exclude(failing_since=None).update(failing_since=None, consecutive_failures=0)

    def note_failure(self) -> int:
        """Count a failure, and pause endpoints that have failed for too long."""
        now = timezone.now()
        noted = self.update(
            consecutive_failures=F("consecutive_failures") + 1, failing_since=Coalesce(F("failing_since"), now)
        )
        self._pause_failing(now)
        return noted

    def _pause_failing(self, now: datetime) -> None:
        failing = self.active().filter(
            failing_since__lte=now - timedelta(hours=settings.WEBHOOK_PAUSE_AFTER_HOURS),
            consecutive_failures__gte=settings.WEBHOOK_PAUSE_AFTER_FAILURES,
        )
        for endpoint in failing:
            hours = int((now - endpoint.failing_since).total_seconds() // 3600) if endpoint.failing_since else 0
            reason = FAILED_FOR_LONG.format(hours=hours, failures=endpoint.consecutive_failures)
            self.filter(pk=endpoint.pk).stop(WebhookEndpoint.State.PAUSED, reason, automatically=True)

    def stop(self, state: WebhookEndpoint.State, reason: str, *, automatically: bool = False) -> int:
        return self.update(
            state=state, stopped_at=timezone.now(), stop_reason=reason, stopped_automatically=automatically
        )

    def start(self) -> int:
        return self.update(
            state=WebhookEndpoint.State.ACTIVE,
            stopped_at=None,
            stop_reason="",
            stopped_automatically=False,
            failing_since=None,
            consecutive_failures=0,
        )


class WebhookEndpoint(LockedDeletion):
    """Describe an address of another system that receives events on behalf of a member of staff."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"  # Messages wait.
        DISABLED = "disabled", "Unsubscribed"  # No messages are stored.

    uuid = models.UUIDField("public ID", default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="webhook_endpoints",
        verbose_name="on behalf of",
        help_text="The endpoint hears of the customers that this member of staff may see.",
    )
    url = models.CharField("address", max_length=MAX_URL_LENGTH, validators=[check_url])
    description = CharField(max_length=200, blank=True)
    events = models.JSONField(default=list, validators=[check_events])
    secret = models.CharField(max_length=100, default=new_secret, editable=False)
    previous_secrets = models.JSONField(default=list, editable=False, help_text="[secret, until when it signs too].")
    rotated_at = models.DateTimeField("secret made", default=timezone.now, editable=False)

    state = models.CharField(max_length=20, choices=State.choices, default=State.ACTIVE, editable=False)
    stopped_at = models.DateTimeField(null=True, editable=False)
    stop_reason = models.CharField(max_length=200, blank=True, editable=False)
    stopped_automatically = models.BooleanField(default=False, editable=False)
    consecutive_failures = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    served_at = models.DateTimeField(null=True, editable=False, help_text="When a worker last took a message for it.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = WebhookEndpointQuerySet.as_manager()
    owner_sees_every_customer: bool  # Only `hearing` sets it.

    class Meta:
        ordering = ("-pk",)
        verbose_name = "webhook"
        indexes = (
            models.Index(fields=["owner"], condition=Q(stopped_automatically=True), name="webhook_stopped_itself"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(state="active", stopped_at=None)
                | Q(state__in=["paused", "disabled"], stopped_at__isnull=False),
                name="webhook_endpoint_stopped_at_some_time",
            ),
        )

    def __str__(self) -> str:
        return self.url

    @property
    def is_active(self) -> bool:
        return self.state == self.State.ACTIVE

    def hears_of(self, customer: Customer) -> bool:
        """Return whether the owner may see this customer, as in `Customer.objects.visible_to`.

        Works only on endpoints from `hearing`.
        """
        return self.owner_sees_every_customer or customer.owner_id in (None, self.owner_id)

    def valid_secrets(self, now: datetime) -> list[str]:
        """Return the secrets to sign with: the current one, then rotated ones that have not expired."""
        return [self.secret, *(secret for secret, _ in self.overlapping(now))]

    def overlapping(self, now: datetime) -> list[tuple[str, datetime]]:
        """Return the rotated secrets that still sign, each with the time it expires, newest first."""
        previous = [(secret, datetime.fromisoformat(until)) for secret, until in self.previous_secrets]
        return [(secret, until) for secret, until in previous if now < until]

    def rotate(self, now: datetime) -> None:
        """Replace the secret and keep the old one until it expires. The caller saves the endpoint."""
        until = now + timedelta(hours=settings.WEBHOOK_SECRET_OVERLAP_HOURS)
        overlapping = [(self.secret, until), *self.overlapping(now)]
        self.previous_secrets = [(secret, end.isoformat()) for secret, end in overlapping]
        self.secret, self.rotated_at = new_secret(), now
