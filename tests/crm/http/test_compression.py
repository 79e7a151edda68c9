"""Check that pages are compressed, and answers with a strong ETag are not."""

import gzip

import pytest
from django.test import Client
from django.urls import reverse

from tests.support.api import System
from tests.support.factories import CustomerFactory

pytestmark = pytest.mark.django_db
GZIP = {"Accept-Encoding": "gzip"}


def test_a_page_is_compressed_for_browsers_that_say_so(admin_client: Client) -> None:
    address = reverse("admin:crm_customer_changelist")
    plain = admin_client.get(address)
    small = admin_client.get(address, headers=GZIP)
    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in small.headers["Vary"]
    assert b"</html>" in gzip.decompress(small.content)
    assert len(small.content) < len(plain.content) / 4


def test_the_api_keeps_the_etags_that_if_match_needs() -> None:
    customer = CustomerFactory(notes="A long note. " * 100)
    answer = System().get(f"customers/{customer.uuid}", headers=GZIP)
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["ETag"].startswith('"')
