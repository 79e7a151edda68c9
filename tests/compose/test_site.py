"""Test the site through nginx."""

import re
from uuid import uuid4

import pytest
import requests
from django.utils import timezone

from ml.image import strip
from tests.support.compose.stack import SLOW, Stack
from tests.support.compose.visitor import TIMEOUT, Browser, System
from tests.support.factories import face_photo
from tests.support.waiting import wait_until

FINAL = re.compile(r'data-snapshot="[^"]+" data-status="analysed"')


def get(site: str, path: str, **headers: str) -> requests.Response:
    return requests.get(f"{site}{path}", headers=headers, timeout=TIMEOUT, allow_redirects=False)


def test_photos_of_the_form_appear_on_the_timeline_with_their_results(staff: Browser, customer: str) -> None:
    timeline = f"/admin/customers/{customer}/"
    fields = {
        "uuid": str(uuid4()),
        "kind": "visit",
        "occurred_at": timezone.now().strftime("%Y-%m-%dT%H:%M"),
        "consent": "on",
        "consent_obtained_by": "in_person",
    }
    answer = staff.submit(f"{timeline}log/", fields, [face_photo(f"form {number}") for number in range(3)])
    assert answer.ok
    wait_until(lambda: len(FINAL.findall(staff.page(timeline).text)) == 3, "three photos are analysed", SLOW)
    assert "appears" in staff.page(timeline).text.lower()


def test_a_photo_of_the_api_gets_its_result(system: System, customer: str) -> None:
    snapshot = system.upload(customer, face_photo("api"), wait=10).json()
    wait_until(lambda: system.ask(f"snapshots/{snapshot['id']}")["status"] == "analysed", "it is analysed", SLOW)
    result = system.ask(f"snapshots/{snapshot['id']}")["result"]
    assert sum(result["scores"].values()) == pytest.approx(1, abs=1e-3)


def test_nginx_sends_the_original_to_those_who_may_see_it(
    staff: Browser, system: System, customer: str, site: str, stack: Stack
) -> None:
    photo = face_photo("original")
    address = f"/admin/snapshots/{system.upload(customer, photo).json()['id']}/original/"
    answer = staff.page(address)
    assert answer.content == strip(photo)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    again = staff.get(f"{site}{address}", headers={"If-None-Match": answer.headers["ETag"]}, timeout=TIMEOUT)
    assert again.status_code == 304
    assert get(site, address).headers["Location"].startswith("/admin/login/")


def test_the_folder_of_photos_is_closed(site: str, stack: Stack, system: System, customer: str) -> None:
    system.upload(customer, face_photo("closed"))
    name = sorted(stack.photos_on_disk())[0]
    for path in (f"/private-media/{name}", f"/media/{name}", f"/static/../media/{name}", f"/static../media/{name}"):
        assert get(site, path).status_code in {400, 404}


def test_static_files_may_be_kept_for_ever(staff: Browser, site: str) -> None:
    path = re.search(r'href="(/static/[^"]+\.css)"', staff.page("/admin/crm/customer/").text).group(1)  # type: ignore[union-attr]
    answer = get(site, path)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_what_is_too_large_is_refused_with_a_sentence(system: System, customer: str) -> None:
    over_one_photo = system.upload(customer, b"x" * (1024 * 1024 + 1))
    assert over_one_photo.status_code in {400, 413, 422}
    assert over_one_photo.headers["Content-Type"] == "application/problem+json"
    over_the_form = system.upload(customer, b"x" * (27 * 1024 * 1024))
    assert over_the_form.status_code == 413
    assert over_the_form.headers["Content-Type"] == "application/problem+json"
    assert over_the_form.json()["code"] == "request_too_large"


def test_people_get_a_page_when_it_is_too_large(site: str) -> None:
    answer = requests.post(f"{site}/admin/login/", data=b"x" * (27 * 1024 * 1024), timeout=TIMEOUT)
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "text/html"
    assert "add fewer at once" in answer.text


def test_the_log_names_the_client_and_no_query(site: str, stack: Stack) -> None:
    get(site, "/admin/login/?next=/a-customer's-name", **{"X-Forwarded-For": "203.0.113.9"})
    lines = [line for line in stack.compose("logs", "--no-color", "nginx").splitlines() if "/admin/login/" in line]
    assert lines
    assert "203.0.113.9" not in lines[-1]
    assert "a-customer" not in lines[-1]
