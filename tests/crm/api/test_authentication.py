from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from crm.models import ApiKey, Customer, Scope
from tests.support.api import CUSTOMERS, System
from tests.support.factories import CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db


def behind_proxies(settings: Settings, number: int) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": number}


def test_a_key_reaches_what_its_member_of_staff_may_see() -> None:
    system = System()
    theirs, hidden = CustomerFactory(owner=system.user), CustomerFactory(owner=UserFactory())
    assert [each["id"] for each in system.get(CUSTOMERS).json()["results"]] == [str(theirs.uuid)]
    assert system.get(f"{CUSTOMERS}/{hidden.uuid}").status_code == 404


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Bearer", "key_malformed"),
        ("Bearer a b", "key_malformed"),
        ("Bearer abcdefgh.wrong", "key_unknown"),
        ("Bearer nonsense", "key_unknown"),
        ("Bearer a\0b", "key_unknown"),
        ("Bearer schlüssel", "key_unknown"),
        ("Basic c2FtOnBhc3N3b3Jk", "not_authenticated"),
        (None, "not_authenticated"),
    ],
)
def test_without_a_right_key_nothing_is_told(header: str | None, code: str) -> None:
    answer = Client(headers={"Authorization": header} if header else {}).get(CUSTOMERS)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer["WWW-Authenticate"] == 'Bearer realm="Rapport"'
    assert answer["Content-Type"] == "application/problem+json"


def test_the_right_prefix_is_not_enough() -> None:
    system = System()
    guess = Client(headers={"Authorization": f"Bearer {system.key.prefix}.guessed"})
    assert guess.get(CUSTOMERS).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"revoked": True},
        {"expiry_date": timezone.now()},
        {"user__is_active": False},
        {"user__is_staff": False},
    ],
)
def test_a_key_ends_at_once(change: dict[str, object]) -> None:
    system = System()
    assert system.get(CUSTOMERS).status_code == 200
    for name, value in change.items():
        changed = system.user if name.startswith("user__") else system.key
        setattr(changed, name.removeprefix("user__"), value)
        changed.save()
    assert system.get(CUSTOMERS).status_code == 401


@pytest.mark.parametrize(
    ("allowed", "address", "status"),
    [
        ([], "198.51.100.9", 200),
        (["192.0.2.7"], "192.0.2.7", 200),
        (["192.0.2.7"], "192.0.2.8", 403),
        (["192.0.2.0/24", "2001:db8::/32"], "2001:db8::1", 200),
        (["192.0.2.0/24"], "2001:db8::1", 403),
        (["192.0.2.0/24"], "::ffff:192.0.2.7", 200),
        (["192.0.2.0/24"], "::ffff:198.51.100.9", 403),
        (["192.0.2.0/24"], "", 403),
        ([], "", 200),
    ],
)
def test_a_key_may_be_kept_to_addresses(allowed: list[str], address: str, status: int) -> None:
    answer = System(allowed_addresses=allowed).get(CUSTOMERS, REMOTE_ADDR=address)
    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == "address_not_allowed"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "status"),
    [
        (0, "192.0.2.7", 403),
        (1, "192.0.2.7", 200),
        (1, "192.0.2.7, 198.51.100.9", 403),
        (2, "192.0.2.7, 10.0.0.1", 200),
    ],
)
def test_behind_proxies_only_they_are_believed(settings: Settings, proxies: int, forwarded: str, status: int) -> None:
    behind_proxies(settings, proxies)
    system = System(allowed_addresses=["192.0.2.7"])
    answer = system.get(CUSTOMERS, REMOTE_ADDR="10.0.0.2", headers={"X-Forwarded-For": forwarded})
    assert answer.status_code == status


@pytest.mark.parametrize(("method", "scope"), [("GET", "customers:read"), ("POST", "customers:write")])
def test_a_missing_scope_is_named(method: str, scope: str) -> None:
    answer = System(*(each for each in Scope if each != scope)).send(method, CUSTOMERS, {"name": "Ada"})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert scope in answer.json()["detail"]
    assert not Customer.objects.exists()


def test_a_scope_adds_nothing_to_what_the_member_of_staff_may_do() -> None:
    system, customer = System(), CustomerFactory()
    assert system.delete(f"{CUSTOMERS}/{customer.uuid}").status_code == 403
    system.user.user_permissions.add(Permission.objects.get(codename="delete_customer"))
    assert system.delete(f"{CUSTOMERS}/{customer.uuid}").status_code == 204


def test_the_last_use_is_written_down_once_a_minute() -> None:
    system = System()
    system.get(CUSTOMERS)
    first = ApiKey.objects.get().last_used_at
    assert first
    system.get(CUSTOMERS)
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
    system.get(CUSTOMERS)
    assert ApiKey.objects.get().last_used_at > first - timedelta(minutes=1)


def test_staff_who_are_logged_in_need_no_key_but_csrf_protection() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(UserFactory())
    assert browser.get(CUSTOMERS).status_code == 200
    assert browser.post(CUSTOMERS, {"name": "Ada"}, "application/json").status_code == 403
    token = browser.get("/admin/crm/customer/add/").cookies["csrftoken"].value
    sent = browser.post(CUSTOMERS, {"name": "Ada"}, "application/json", headers={"X-CSRFToken": token})
    assert sent.status_code == 201


@pytest.mark.parametrize("change", [{"is_staff": False}, {"is_active": False}])
def test_somebody_who_is_no_member_of_staff_gets_nothing(change: dict[str, bool]) -> None:
    browser = Client()
    browser.force_login(UserFactory(**change))
    assert browser.get(CUSTOMERS).status_code in (401, 403)
