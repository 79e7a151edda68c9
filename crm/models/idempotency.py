from __future__ import annotations

from django.conf import settings
from django.db import models


class IdempotentRequest(models.Model):
    """A request with an Idempotency-Key, and its answer once there is one."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    # Of the API key that asked; empty for a session. Two systems of one member of staff may choose the same key.
    asked_by = models.CharField(max_length=150, blank=True)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    created_at = models.DateTimeField(auto_now_add=True)
    lease_expires_at = models.DateTimeField(help_text="Until then whoever began it is taken to be at it.")
    status_code = models.PositiveSmallIntegerField(null=True, help_text="Of the answer; empty before there is one.")
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)

    class Meta:
        indexes = (models.Index(fields=["created_at"]),)
        constraints = (
            models.UniqueConstraint(fields=["user", "asked_by", "key"], name="idempotency_key_once_per_client"),
        )

    def __str__(self) -> str:
        return f"{self.key} of {self.created_at:%Y-%m-%d %H:%M}"
