from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from crm.accounts.models import User
from crm.customers.models import Customer
from crm.privacy.deletion import LockedDeletion, LockedDeletionQuerySet
from crm.text.fields import Searchable, SearchText, TextField

CLOCK_TOLERANCE = timedelta(minutes=5)  # staff's clocks may be a little ahead of the server's
# A time zone would move dates of the year 1 out of Python's range, and then no page could show them.
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


def not_in_the_future(occurred_at: datetime) -> None:
    """Raise ValidationError for a time in the future. A validator."""
    if occurred_at > timezone.now() + CLOCK_TOLERANCE:
        raise ValidationError("This time is in the future. Enter when the interaction took place.", "future")


def not_before_1900(occurred_at: datetime) -> None:
    """Raise ValidationError for a time before EARLIEST. A validator."""
    if occurred_at < EARLIEST:
        raise ValidationError("This time is before 1900. Enter when the interaction took place.", "too_early")


class InteractionQuerySet(LockedDeletionQuerySet["Interaction"]):
    def visible_to(self, user: User) -> InteractionQuerySet:
        return self.filter(customer__in=Customer.objects.visible_to(user))


class Interaction(LockedDeletion, Searchable):
    """One contact with a customer."""

    class Kind(models.TextChoices):
        VISIT = "visit", "Visit"
        MEETING = "meeting", "Meeting"
        VIDEO_CALL = "video_call", "Video call"
        PHONE_CALL = "phone_call", "Phone call"
        EMAIL = "email", "Email"
        CHAT = "chat", "Chat"

    uuid = models.UUIDField("public ID", default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="interactions")
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.VISIT)
    occurred_at = models.DateTimeField("time", default=timezone.now, validators=[not_in_the_future, not_before_1900])
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="interactions",
        verbose_name="member of staff",
    )
    notes = TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    search_text = SearchText("notes")

    objects = InteractionQuerySet.as_manager()

    class Meta:
        ordering = ("-occurred_at", "-pk")
        indexes = (
            models.Index(fields=["customer", "-occurred_at", "-id"]),
            # The orders in which other systems read interactions.
            models.Index(fields=["occurred_at", "id"], name="interaction_by_time"),
            models.Index(fields=["created_at", "id"], name="interaction_by_creation"),
            models.Index(fields=["updated_at", "id"], name="interaction_by_change"),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(kind__in=["visit", "meeting", "video_call", "phone_call", "email", "chat"]),
                name="interaction_kind_known",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} on {timezone.localtime(self.occurred_at):%Y-%m-%d %H:%M}"
