"""Check what a browser may show after its user has logged out."""

import pytest
from django.urls import reverse

from tests.support.api import CUSTOMERS, System
from tests.support.factories import SnapshotFactory
from tests.support.workspace import browser_of

pytestmark = pytest.mark.django_db


def test_a_photo_is_not_shown_again_after_the_logout() -> None:
    browser, photo = browser_of(), reverse("emotions:preview", args=[SnapshotFactory().uuid])
    first = browser.get(photo)
    kept = {"If-None-Match": first.headers["ETag"]}
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert browser.get(photo, headers=kept).status_code == 304
    browser.post("/admin/logout/")
    assert browser.get(photo, headers=kept).status_code == 302


def test_a_logout_empties_the_browser_s_cache() -> None:
    browser = browser_of()
    assert "Clear-Site-Data" not in browser.get("/admin/crm/customer/").headers
    assert browser.post("/admin/logout/").headers["Clear-Site-Data"] == '"cache"'


@pytest.mark.parametrize("address", [CUSTOMERS, f"{CUSTOMERS}/nobody", "/api/v1/schema", "/api/v1/nothing"])
def test_no_cache_keeps_what_the_api_answers(address: str) -> None:
    for answer in (System().get(address), System().post(address, {"name": "Vera"})):
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_row_with_an_etag_is_not_kept_either() -> None:
    api = System()
    made = api.send("POST", CUSTOMERS, {"name": "Vera"})
    answer = api.get(f"{CUSTOMERS}/{made.json()['id']}")
    assert answer.headers["Cache-Control"] == "no-store"
    again = api.get(f"{CUSTOMERS}/{made.json()['id']}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.headers["Cache-Control"]) == (304, "no-store")
