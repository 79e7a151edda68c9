from __future__ import annotations

import uuid
from typing import Any, NoReturn

from django.conf import settings
from django.db import models

from crm.accounts.models import User
from crm.customers.models import Customer


class AppendOnly(TypeError):
    """Somebody tried to change what may only be added to."""


class ConsentQuerySet(models.QuerySet["Consent"]):
    def visible_to(self, user: User) -> ConsentQuerySet:
        return self.filter(customer__in=Customer.objects.visible_to(user))

    def newest_of(self, customer: Customer, scope: str) -> Consent | None:
        """The entry that says what the customer wants now; None before there is any."""
        return self.filter(customer=customer, scope=scope).order_by("-pk").first()

    def stands_for(self, customer: Customer, scope: str) -> bool:
        """Whether the newest entry for this customer and scope grants it."""
        newest = self.newest_of(customer, scope)
        return newest is not None and newest.granted

    def standing(self, scope: str) -> ConsentQuerySet:
        """The newest entry of each customer for this scope, where it grants it."""
        newer = Consent.objects.filter(customer=models.OuterRef("customer"), scope=scope, pk__gt=models.OuterRef("pk"))
        return self.filter(~models.Exists(newer), scope=scope, granted=True)

    def update(self, **values: Any) -> NoReturn:
        raise AppendOnly("Consent is never changed: record a new entry instead.")

    def delete(self) -> NoReturn:
        raise AppendOnly("Consent is never deleted: record its withdrawal instead.")


class Consent(models.Model):
    """One entry in the history of what a customer agreed to; the newest of a scope stands."""

    class Scope(models.TextChoices):
        EMOTION_ANALYSIS = "emotion_analysis", "Photos and emotion analysis"
        MODEL_TRAINING = "model_training", "Use of the photos to improve the model"

    class ObtainedBy(models.TextChoices):
        IN_PERSON = "in_person", "Told in person"
        WRITTEN = "written", "Signed on paper"
        ONLINE = "online", "Confirmed online"
        RECORDED_CALL = "recorded_call", "Said on a recorded call"

    uuid = models.UUIDField("public ID", default=uuid.uuid4, unique=True, editable=False)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="consents")
    scope = models.CharField(max_length=40, choices=Scope.choices, default=Scope.EMOTION_ANALYSIS)
    granted = models.BooleanField()
    notice_version = models.CharField("version of the notice", max_length=40)
    obtained_by = models.CharField("how obtained", max_length=40, choices=ObtainedBy.choices)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    recorded_at = models.DateTimeField(auto_now_add=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        indexes = (
            models.Index(fields=["customer", "scope", "-id"]),
            models.Index(fields=["recorded_at", "id"], name="consent_by_time"),  # as other systems read them
        )

    def __str__(self) -> str:
        return f"{self.get_scope_display()}: {'granted' if self.granted else 'withdrawn'}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly("Consent is never changed: record a new entry instead.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("Consent is never deleted: record its withdrawal instead.")
