from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from crm.accounts.models import User
from crm.append_only import AppendOnlyModel, AppendOnlyQuerySet
from crm.customers.models import Customer


class ConsentQuerySet(AppendOnlyQuerySet["Consent"]):
    def visible_to(self, user: User) -> ConsentQuerySet:
        return self.filter(customer__in=Customer.objects.visible_to(user))

    def newest_of(self, customer: Customer, scope: str) -> Consent | None:
        """Return the entry that says what the customer wants now, with who recorded it; None before there is any."""
        return self.filter(customer=customer, scope=scope).select_related("recorded_by").order_by("-pk").first()

    def standing(self, scope: str) -> ConsentQuerySet:
        """Return the newest entry of each customer for this scope, where it grants the consent."""
        newer = Consent.objects.filter(customer=models.OuterRef("customer"), scope=scope, pk__gt=models.OuterRef("pk"))
        return self.filter(~models.Exists(newer), scope=scope, granted=True)

    def stands_for(self, customer: Customer, scope: str) -> bool:
        """Return whether the customer's consent of this scope stands."""
        return self.standing(scope).filter(customer=customer).exists()


class Consent(AppendOnlyModel):
    """One entry in the history of what a customer agreed to; the newest of a scope counts."""

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
            models.Index(
                fields=["recorded_at", "id"], name="consent_by_time"
            ),  # the order in which other systems read consents
        )

    def __str__(self) -> str:
        return f"{self.get_scope_display()}: {'granted' if self.granted else 'withdrawn'}"
