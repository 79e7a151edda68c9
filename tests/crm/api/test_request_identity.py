"""Check how a request's Idempotency-Key is read, and which requests count as the same."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory
from django.test.client import encode_multipart
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from crm.api.request_identity import fingerprint
from crm.models import Customer
from tests.support.api import CUSTOMERS, System

pytestmark = pytest.mark.django_db
ADA = {"name": "Ada"}


def test_a_key_with_quotes_is_the_same_key() -> None:
    system = System()
    system.send("POST", CUSTOMERS, ADA, Idempotency_Key="k1")
    assert system.send("POST", CUSTOMERS, ADA, Idempotency_Key='"k1"')["Idempotent-Replay"] == "true"


@pytest.mark.parametrize("key", ["", '"', '""', "x" * 256, "schlüssel", '"a"b"', '"a";p=1', "a\tb"])
def test_a_malformed_key_is_refused(key: str) -> None:
    answer = System().send("POST", CUSTOMERS, ADA, Idempotency_Key=key)
    assert answer.status_code == 400
    assert answer.json()["errors"][0] == {
        "field": "Idempotency-Key",
        "code": "idempotency_key_invalid",
        "detail": "Give 1 to 255 printable ASCII characters, such as a UUID.",
    }
    assert not Customer.objects.exists()


def test_how_long_to_wait_is_no_part_of_the_request() -> None:
    asked = [RequestFactory().post(f"/api/v1/snapshots{query}") for query in ("", "?wait=10", "?wait=3", "?fields=id")]
    prints = [fingerprint(Request(each, parsers=[MultiPartParser()])) for each in asked]
    assert prints[0] == prints[1] == prints[2] != prints[3]


def upload(boundary: str, photo: bytes = b"photo") -> Request:
    data = {"kind": "visit", "photo": SimpleUploadedFile("a.jpg", photo)}
    content_type = f"multipart/form-data; boundary={boundary}"
    plain = RequestFactory().generic("POST", "/photos", encode_multipart(boundary, data), content_type)
    return Request(plain, parsers=[MultiPartParser()])


def test_a_form_is_known_again_whatever_its_boundary() -> None:
    assert fingerprint(upload("first")) == fingerprint(upload("second"))
    assert fingerprint(upload("first")) != fingerprint(upload("first", b"another photo"))
    request = upload("first")
    fingerprint(request)
    data: Any = request.data
    assert data["photo"].read() == b"photo"  # the photo can be read again
