"""Tell members of staff which of their webhooks were stopped automatically."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from crm.webhooks.models.endpoints import WebhookEndpoint


def stopped_webhooks(request: HttpRequest) -> dict[str, Any]:
    """Add `stopped_webhooks` to the template context: up to five webhooks of the user that stopped automatically.

    The query runs only when a template shows them.
    """
    user = getattr(request, "user", None)
    if not (user and user.is_authenticated):
        return {}
    return {
        "stopped_webhooks": SimpleLazyObject(
            lambda: list(WebhookEndpoint.objects.filter(owner=user, stopped_automatically=True)[:5])
        )
    }
