"""Check that attempts are limited before a password is checked, and that nobody can lock out somebody else."""

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import Client, RequestFactory
from pytest_django import Settings

from config.settings import cache
from crm.accounts.attempts import TooManyAttempts, begin_attempt
from crm.limits.counters import THIS_PROCESS
from crm.models import User
from tests.support.factories import UserFactory
from tests.support.servers import RedisServer
from tests.support.threads import at_once
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture(autouse=True)
def limits(settings: Settings) -> None:
    """Set limits per day, because a new hour may begin during a test."""
    settings.LOGIN_RATE, settings.LOGIN_ADDRESS_RATE, settings.LOGIN_ACCOUNT_RATE = "3/day", "6/day", "8/day"


@pytest.fixture
def account() -> User:
    return UserFactory(username="vera")


def tried(username: str, given: str = "wrong", address: str = HERE, browser: Client | None = None) -> int:
    form = {"username": username, "password": given}
    return (browser or Client()).post(LOGIN, form, REMOTE_ADDR=address).status_code


def test_the_right_password_is_refused_too_once_too_many_were_wrong(account: User) -> None:
    assert [tried("vera") for _ in range(4)] == [200, 200, 200, 429]
    assert tried("vera", "password") == 429
    assert tried("vera", "password", ELSEWHERE) == 302


def test_the_answer_says_when_to_try_again(account: User) -> None:
    for _ in range(3):
        tried("vera")
    answer = Client().post(LOGIN, {"username": "vera", "password": "wrong"}, REMOTE_ADDR=HERE)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (429, "no-store")
    seconds = int(answer.headers["Retry-After"])
    assert 0 < seconds <= 86400
    assert "Too many passwords were tried" in text_of(answer.content)
    assert f"Wait {-(-seconds // 60)} minute" in text_of(answer.content)


def test_right_passwords_do_not_count(account: User) -> None:
    assert {tried("vera", "password") for _ in range(9)} == {302}


def test_no_password_is_hashed_once_too_many_were_tried(account: User, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = []
    encode = MD5PasswordHasher.encode

    def encode_and_note(hasher: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(hasher, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", encode_and_note)
    for _ in range(10):
        tried("vera")
        tried("nobody")
    assert len(hashed) == 6  # three attempts for each account


def test_accounts_that_there_are_not_are_answered_alike(account: User) -> None:
    for username, address in (("vera", HERE), ("nobody", ELSEWHERE)):
        assert [tried(username, address=address) for _ in range(4)] == [200, 200, 200, 429]


def test_writing_the_name_otherwise_gains_nothing(account: User) -> None:
    names = ["vera", "VERA", "\uff56era", "vera"]
    assert [tried(name) for name in names] == [200, 200, 200, 429]


def test_one_address_tries_only_so_many_accounts(account: User) -> None:
    assert [tried(f"somebody{number}") for number in range(7)] == [200] * 6 + [429]
    assert tried("vera", "password") == 429
    assert tried("vera", "password", ELSEWHERE) == 302


def test_a_client_of_ipv6_is_all_its_network(account: User) -> None:
    addresses = [f"2001:db8:1:2::{number}" for number in range(4)]
    assert [tried("vera", address=address) for address in addresses] == [200, 200, 200, 429]
    assert tried("vera", address="2001:db8:1:3::1") == 200


@pytest.mark.parametrize("written", ["198.51.100.7:{}", "[2001:db8:1:2::7]:{}", "[2001:db8:1:2::{}]"])
def test_the_port_that_a_proxy_writes_makes_no_other_client(account: User, settings: Settings, written: str) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": 1}
    form = {"username": "vera", "password": "wrong"}
    answers = [
        Client().post(LOGIN, form, headers={"X-Forwarded-For": written.format(port)}) for port in range(1024, 1028)
    ]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]


def test_attempts_are_limited_while_the_cache_is_away(
    account: User, settings: Settings, redis_server: RedisServer
) -> None:
    THIS_PROCESS.clear()
    settings.CACHES = {"default": cache(redis_server.url)}
    redis_server.stop()
    assert {tried("vera", "password") for _ in range(4)} == {302}
    assert [tried("vera") for _ in range(4)] == [200, 200, 200, 429]
    assert tried("vera", "password") == 429
    THIS_PROCESS.clear()


def test_many_addresses_together_try_only_so_often(account: User) -> None:
    assert [tried("vera", address=f"203.0.113.{number}") for number in range(9)] == [200] * 8 + [429]


def test_nobody_locks_the_owner_out_of_a_known_browser(account: User) -> None:
    known = Client()
    assert tried("vera", "password", browser=known) == 302
    known.post("/admin/logout/")
    for number in range(9):
        tried("vera", address=f"203.0.113.{number}")
        tried("vera", address=HERE)
    assert tried("vera", "password", HERE, Client()) == 429
    assert tried("vera", "password", HERE, known) == 302


def test_a_known_browser_is_limited_as_well(account: User) -> None:
    known = Client()
    tried("vera", "password", browser=known)
    known.post("/admin/logout/")
    assert [tried("vera", browser=known) for _ in range(4)] == [200, 200, 200, 429]
    # The browser is not known for this account.
    assert [tried("other", browser=known) for _ in range(4)] == [200, 200, 200, 429]


def test_nobody_makes_their_own_cookie(account: User) -> None:
    forged = Client()
    for cookie in ("", "vera", "eyJ1c2VybmFtZSI6InZlcmEifQ:1w:x"):
        forged.cookies["known_browser"] = cookie
        tried("vera", browser=forged)
    assert tried("vera", browser=forged) == 429


def test_one_s_own_password_is_asked_for_only_so_often(account: User) -> None:
    browser = browser_of(account)
    new = {"new_password1": "a long pass phrase", "new_password2": "a long pass phrase"}
    weak = {"old_password": "password", "new_password1": "short", "new_password2": "short"}
    address = "/admin/password_change/"
    assert {browser.post(address, weak).status_code for _ in range(5)} == {200}  # the old password was right each time
    wrong = [browser.post(address, {"old_password": "wrong", **new}).status_code for _ in range(4)]
    assert wrong == [200, 200, 200, 429]
    assert browser.post(address, {"old_password": "password", **new}).status_code == 429
    assert User.objects.get().check_password("password")
    assert Client().post(address, weak).headers["Location"] == f"{LOGIN}?next={address}"


@pytest.mark.parametrize("where", ["files", "redis"])
def test_attempts_at_the_same_moment_are_counted_one_by_one(
    where: str, settings: Settings, rf: RequestFactory, request: pytest.FixtureRequest
) -> None:
    if where == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        settings.CACHES = {"default": cache(server.url)}

    # Otherwise a thread might be refused because another's attempt was counted late.
    settings.LOGIN_ADDRESS_RATE = settings.LOGIN_ACCOUNT_RATE = "100/day"

    def begins() -> bool:
        try:
            begin_attempt(rf.post(LOGIN), "vera")
        except TooManyAttempts:
            return False
        return True

    assert sorted(at_once(begins, times=8)) == [False] * 5 + [True] * 3
