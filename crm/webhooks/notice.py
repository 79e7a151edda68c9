"""Tells members of staff of their webhooks that stopped by themselves."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from crm.webhooks.models.endpoints import WebhookEndpoint


def stopped_webhooks(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `stopped_webhooks` are those of the user that nobody paused; asked for when they are shown."""
    user = getattr(request, "user", None)
    if not (user and user.is_authenticated):
        return {}
    return {
        "stopped_webhooks": SimpleLazyObject(
            lambda: list(WebhookEndpoint.objects.filter(owner=user, stopped_automatically=True)[:5])
        )
    }
