"""Test which addresses nginx counts as one client."""

import http.client
from urllib.parse import urlsplit

import pytest

from tests.support.nginx import nginx

pytestmark = pytest.mark.integration
NOBODY = "http://127.0.0.1:9"  # no web process listens here, so nginx answers itself


def status_for(site: str, client: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(site).netloc, timeout=30)
    connection.request("GET", "/admin/login/", headers={"X-Forwarded-For": client})
    return connection.getresponse().status


@pytest.mark.parametrize(
    ("of_one", "other"),
    [
        ("2001:db8:1:2::{:x}", "2001:db8:1:3::1"),
        ("2001:db8:1:2:3:4:5:{:x}", "2001:db8:1:3:3:4:5:1"),
        ("2001:db8:1::{:x}", "2001:db8:2::1"),
    ],
)
def test_a_network_of_ipv6_is_one_client(of_one: str, other: str) -> None:
    few = {"REQUESTS_PER_SECOND": "1", "REQUESTS_AT_ONCE": "5", "TRUSTED_PROXIES": "127.0.0.1"}
    with nginx(NOBODY, **few) as site:
        answers = [status_for(site, of_one.format(number)) for number in range(1, 100)]
        assert answers[0] == 503
        assert 429 in answers
        assert status_for(site, other) == 503


def test_each_address_of_ipv4_is_a_client() -> None:
    few = {"REQUESTS_PER_SECOND": "1", "REQUESTS_AT_ONCE": "5", "TRUSTED_PROXIES": "127.0.0.1"}
    with nginx(NOBODY, **few) as site:
        assert 429 in [status_for(site, "192.0.2.1") for _ in range(99)]
        assert status_for(site, "192.0.2.2") == 503
