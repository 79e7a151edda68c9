"""Check how keys are created and revoked in the admin."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils.html import escape

from crm.models import ApiKey, User
from tests.support.api import CUSTOMERS, System, make_key
from tests.support.factories import UserFactory
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db
LIST = "/admin/crm/apikey/"
ADD = f"{LIST}add/"
FORM = {"name": "HubSpot", "scopes": ["customers:read"], "allowed_addresses": ""}


@pytest.fixture
def sam() -> User:
    """Return a user who may create, see and revoke their own keys."""
    user: User = UserFactory(username="sam")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="crm", codename__endswith="_apikey"))
    return user


@pytest.fixture
def root() -> User:
    user: User = UserFactory(username="root", is_superuser=True)
    return user


def made_by(browser: Client, **changes: Any) -> tuple[ApiKey, str]:
    page = browser.post(ADD, FORM | changes).content.decode()
    shown = re.search(r'id="rp-secret" type="text" value="([^"]+)"', page)
    assert shown, page
    return ApiKey.objects.get(), shown[1]


def test_the_key_is_shown_once_and_works(sam: User) -> None:
    browser = browser_of(sam)
    key, secret = made_by(browser)
    answer = Client(headers={"Authorization": f"Bearer {secret}"}).get(CUSTOMERS)
    assert answer.status_code == 200
    assert (key.user, key.scopes, key.allowed_addresses) == (sam, ["customers:read"], [])
    _, _, hidden = secret.partition(".")
    assert hidden not in browser.get(LIST).content.decode()


def test_the_key_is_kept_nowhere(sam: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    browser = browser_of(sam)
    _, secret = made_by(browser)
    _, _, hidden = secret.partition(".")
    assert hidden not in str(browser.cookies)
    assert hidden not in str([each.get_decoded() for each in Session.objects.all()])
    assert hidden not in str(list(LogEntry.objects.values()))
    assert hidden not in str(list(ApiKey.objects.values()))
    assert hidden not in caplog.text


def test_the_page_with_the_key_is_not_cached(sam: User) -> None:
    assert "no-store" in browser_of(sam).post(ADD, FORM)["Cache-Control"]


def test_no_page_shows_a_hash(root: User) -> None:
    browser = browser_of(root)
    key, _ = made_by(browser, user=root.pk)
    pages = [browser.get(address).content.decode() for address in (LIST, f"{LIST}{key.prefix}/revoke/")]
    assert all(key.prefix in page for page in pages)
    assert not any(escape(key.hashed_key)[:20] in page or "_24" in page for page in pages)
    assert LogEntry.objects.get().object_id == key.prefix


def test_staff_make_keys_for_themselves_only(sam: User, root: User) -> None:
    browser = browser_of(sam)
    assert 'name="user"' not in browser.get(ADD).content.decode()
    key, _ = made_by(browser, user=root.pk)
    assert key.user == sam


def test_superusers_make_keys_for_active_staff(sam: User, root: User) -> None:
    browser = browser_of(root)
    gone = UserFactory(is_active=False)
    assert "Select a valid choice" in text_of(browser.post(ADD, FORM | {"user": gone.pk}).content)
    key, _ = made_by(browser, user=sam.pk)
    assert key.user == sam


def test_staff_see_and_revoke_none_but_their_own(sam: User, root: User) -> None:
    key, _ = make_key(root)
    browser = browser_of(sam)
    assert key.prefix not in browser.get(LIST).content.decode()
    assert browser.post(f"{LIST}{key.prefix}/revoke/").status_code == 404
    assert not ApiKey.objects.get().revoked


@pytest.mark.parametrize("address", [LIST, ADD])
def test_without_permission_there_are_no_keys(address: str) -> None:
    assert browser_of().get(address).status_code == 403
    assert "API keys" not in text_of(browser_of().get("/admin/crm/customer/").content)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": ""}, "This field is required."),
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["everything"]}, "Select a valid choice."),
        ({"allowed_addresses": "192.0.2.1\nsomewhere"}, "somewhere is neither an IP address nor a network."),
        ({"expiry_date_0": "2020-01-01", "expiry_date_1": "00:00"}, "This time is over."),
    ],
)
def test_a_wrong_form_makes_no_key(sam: User, changes: dict[str, Any], complaint: str) -> None:
    assert complaint in text_of(browser_of(sam).post(ADD, FORM | changes).content)
    assert not ApiKey.objects.exists()


def test_addresses_come_one_a_line(sam: User) -> None:
    key, _ = made_by(browser_of(sam), allowed_addresses="192.0.2.7\r\n2001:db8::/32\r\n")
    assert key.allowed_addresses == ["192.0.2.7", "2001:db8::/32"]


def test_a_revoked_key_ends_at_once_and_stays_in_the_list(sam: User) -> None:
    system, browser = System(user=sam), browser_of(sam)
    address = f"{LIST}{system.key.prefix}/revoke/"
    assert "This cannot be undone." in text_of(browser.get(address).content)
    assert system.get(CUSTOMERS).status_code == 200
    for _ in range(2):  # a double click sends the form twice
        assert browser.post(address).status_code == 302
    assert system.get(CUSTOMERS).status_code == 401
    assert "Another CRM" in text_of(browser.get(LIST).content)
    assert LogEntry.objects.get().change_message == "Revoked."


def test_keys_are_neither_changed_nor_deleted(root: User) -> None:
    key, _ = make_key(root)
    browser = browser_of(root)
    assert browser.post(f"{LIST}{key.prefix}/change/", FORM).status_code == 302
    assert browser.post(f"{LIST}{key.prefix}/delete/", {"post": "yes"}).status_code == 403
    key.refresh_from_db()
    assert key.name == "Another CRM"


def test_the_library_s_own_keys_are_not_offered() -> None:
    assert not admin.site.is_registered(apps.get_model("rest_framework_api_key", "APIKey"))
