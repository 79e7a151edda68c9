from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from emotions.answers.models import EmotionRecord


class CannotTell(models.Model):
    """A person looked at a face and cannot say what it shows: no correction, and no word on the model's answer."""

    record = models.ForeignKey(EmotionRecord, models.CASCADE, related_name="cannot_tell")
    said_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["record", "said_by"], name="cannot_tell_once"),)

    def __str__(self) -> str:
        return f"{self.said_by} cannot tell"
