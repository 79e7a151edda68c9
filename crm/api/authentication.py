"""Who asks: a system by its API key, or a member of staff who is logged in."""

import re
from ipaddress import ip_address, ip_network
from typing import cast

from django.conf import settings
from django.db import DataError
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from crm.api.throttling import spend
from crm.models import ApiKey, User

KEYWORD = "Bearer"
NETWORK_OF_ONE_CLIENT = 64  # bits of an IPv6 address; who has one has all of the network
# As some proxies write it, with a port.
ADDRESS_AND_PORT = re.compile(r"\[(?P<v6>[^\]]+)\](?::\d+)?|(?P<v4>\d+(?:\.\d+){3}):\d+")


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer KEY`. The request's user is the member of staff that the key acts for."""

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


def _usable_key(given: bytes) -> ApiKey:
    try:
        key = cast(ApiKey, ApiKey.objects.get_from_key(given.decode("ascii")))
    except (ApiKey.DoesNotExist, UnicodeDecodeError, DataError, ValueError):  # of a NUL byte, as the database is
        raise AuthenticationFailed("The API key is unknown or was revoked.", "key_unknown") from None
    if key.has_expired:
        raise AuthenticationFailed("The API key has expired. Ask for a new one.", "key_expired")
    return key


def client_address(request: Request | HttpRequest) -> str:
    """The IP address that the request came from, behind as many proxies as REST_FRAMEWORK's NUM_PROXIES says."""
    written = BaseThrottle().get_ident(cast(Request, request))
    with_port = ADDRESS_AND_PORT.fullmatch(written)
    return str(with_port["v6"] or with_port["v4"]) if with_port else written


def client_network(request: Request | HttpRequest) -> str:
    """Return the client's address, or of IPv6 the network in which it can choose any."""
    address = client_address(request)
    try:
        parsed = ip_address(address)
    except ValueError:  # a server on a socket names none
        return address
    if mapped := getattr(parsed, "ipv4_mapped", None):
        return str(mapped)
    return address if parsed.version == 4 else str(ip_network((address, NETWORK_OF_ONE_CLIENT), strict=False))
