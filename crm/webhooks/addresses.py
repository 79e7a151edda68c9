"""Decide where webhooks may go: to public addresses, and to hosts that the operator allows by name."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from requests_hardened.ip_filter import EXTRA_BLOCKED_NET_RANGES

MAX_URL_LENGTH = 500
# Azure's WireServer gives virtual machines their credentials at a public address. See
# https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
CLOUD_METADATA = frozenset({ip_address("168.63.129.16")})
# These names mean something only inside a network: see RFC 6761, RFC 6762 and RFC 8375. ICANN reserved .internal.
INSIDE = ("localhost", "local", "home.arpa", "internal")

NOT_PUBLIC = "Webhooks go to public addresses only. {host} is inside a network; your operator may allow it by name."


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether the address is on the public internet: not loopback, private, link-local, metadata or similar."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if isinstance(address, IPv6Address) and address.is_site_local:
        return False
    if not address.is_global or address.is_multicast or address.is_reserved or address in CLOUD_METADATA:
        return False
    return not any(address.version == network.version and address in network for network in EXTRA_BLOCKED_NET_RANGES)


def is_allowed(host: str) -> bool:
    """Return whether the operator allows this host by name. Its address does not matter then."""
    return host.lower() in settings.WEBHOOK_ALLOWED_HOSTS


def check_url(url: str) -> None:
    """Reject an address that can never work. Raises ValidationError.

    Names are not resolved here, because what matters is the IP address that a delivery later connects to.
    """
    if len(url) > MAX_URL_LENGTH:
        raise ValidationError(f"The address is longer than {MAX_URL_LENGTH} characters. Give a shorter one.")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValidationError("Use only plain characters in the address, no spaces and no backslashes.")
    parts, host = _parse(url)
    if parts.username is not None or parts.password is not None:
        raise ValidationError("Leave user name and password out of the address: every message is signed instead.")
    if parts.fragment:
        raise ValidationError("Leave out what follows the # in the address.")
    if is_allowed(host):
        return
    if parts.scheme != "https":
        raise ValidationError("The address must begin with https://, so that nobody can read along.")
    if _is_inside(host):
        raise ValidationError(NOT_PUBLIC.format(host=host))


def _parse(url: str) -> tuple[SplitResult, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValidationError("This is no web address. Give one such as https://crm.example.com/hook.") from error
    if parts.scheme not in ("http", "https") or not host or port == 0 or ".." in host or host.startswith("."):
        raise ValidationError("This is no web address. Give one such as https://crm.example.com/hook.")
    return parts, host


def _is_inside(host: str) -> bool:
    name = host.rstrip(".").lower()
    if any(f".{name}".endswith(f".{inside}") for inside in INSIDE):
        return True
    address = _literal(name)
    return not is_public(address) if address else False


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """Parse an IP address, also in the short, octal and hexadecimal forms that resolvers accept; None for a name."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None
