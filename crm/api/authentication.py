"""Authenticate other systems by their API keys."""

from typing import cast

from django.conf import settings
from django.db import DataError
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from crm.accounts.models import User
from crm.api_keys.models import ApiKey
from crm.limits.allowances import spend
from crm.limits.clients import client_address, client_network

KEYWORD = "Bearer"


class ApiKeyAuthentication(BaseAuthentication):
    """Read `Authorization: Bearer KEY`. The request's user is the member of staff for whom the key acts."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != KEYWORD.lower().encode():
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Send the header as: Authorization: Bearer KEY.", "key_malformed")
        try:
            key = _usable_key(parts[1])
        except AuthenticationFailed:
            spend(f"failures:{client_network(request)}", settings.API_FAILURE_RATE).check()
            raise
        if not key.allows_address(client_address(request)):
            raise PermissionDenied("The API key may not be used from this address.", "address_not_allowed")
        key.note_use()
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return f'{KEYWORD} realm="Rapport"'


def _usable_key(text: bytes) -> ApiKey:
    try:
        key = cast(ApiKey, ApiKey.objects.get_from_key(text.decode("ascii")))
    except (
        ApiKey.DoesNotExist,
        UnicodeDecodeError,
        DataError,
        ValueError,
    ):  # DataError, ValueError: a NUL byte
        raise AuthenticationFailed("The API key is unknown or was revoked.", "key_unknown") from None
    if key.has_expired:
        raise AuthenticationFailed("The API key has expired. Ask for a new one.", "key_expired")
    return key
