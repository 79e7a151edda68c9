"""Find out from which address a request came."""

import re
from ipaddress import ip_address, ip_network
from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

NETWORK_OF_ONE_CLIENT = 64  # bits of an IPv6 address; a client with one address has its whole network
# Some proxies write the address with its port.
ADDRESS_AND_PORT = re.compile(r"\[(?P<v6>[^\]]+)\](?::\d+)?|(?P<v4>\d+(?:\.\d+){3}):\d+")


def client_address(request: Request | HttpRequest) -> str:
    """Return the IP address that the request came from, behind as many proxies as NUM_PROXIES says."""
    written = BaseThrottle().get_ident(cast(Request, request))
    with_port = ADDRESS_AND_PORT.fullmatch(written)
    return str(with_port["v6"] or with_port["v4"]) if with_port else written


def client_network(request: Request | HttpRequest) -> str:
    """Return the client's IPv4 address, or the IPv6 network within which it can choose any address."""
    address = client_address(request)
    try:
        parsed = ip_address(address)
    except ValueError:  # a server on a Unix socket sees no address
        return address
    if mapped := getattr(parsed, "ipv4_mapped", None):
        return str(mapped)
    return address if parsed.version == 4 else str(ip_network((address, NETWORK_OF_ONE_CLIENT), strict=False))
