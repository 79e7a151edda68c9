"""Limit how many requests each API key, and each logged-in member of staff, may send."""

from __future__ import annotations

from django.conf import settings
from rest_framework.request import Request

from crm.api_keys.models import ApiKey
from crm.limits.allowances import Allowance, spend


def spend_request(request: Request) -> Allowance:
    """Count the request for its API key, or for the member of staff who is logged in."""
    client = f"key:{request.auth.prefix}" if isinstance(request.auth, ApiKey) else f"user:{request.user.pk}"
    return spend(client, settings.API_RATE)
