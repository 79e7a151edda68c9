"""Check that no page links to a page that is missing or that refuses its reader."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import resolve

from crm.models import User
from tests.support.addresses import address_of, make_rows, patterns
from tests.support.factories import UserFactory
from tests.support.workspace import browser_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("released_model")]

NOT_FOLLOWED = ("/admin/logout/", "/api/", "/static/")
LEADS_AWAY = {"a": "href", "form": "action", "img": "src"}


class Links(HTMLParser):
    """Collect what people can follow or press on a page, and the pictures that it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        for name in (LEADS_AWAY.get(tag, ""), "hx-get", "hx-post"):
            if address := given.get(name):
                self.found.append(address)


def links_of(page: str, where: str) -> list[str]:
    """Return the page's links within the site."""
    parser = Links()
    parser.feed(page)
    found = [urljoin(where, link).split("#")[0] for link in parser.found]
    return [link for link in found if link.startswith("/") and not link.startswith(NOT_FOLLOWED)]


def kind_of(address: str) -> tuple[str, ...]:
    """Return the route and the names of its parameters. Only one page of each kind is visited."""
    parts = urlsplit(address)
    names = sorted({pair.split("=")[0] for pair in parts.query.split("&")})
    found = resolve(parts.path)
    return (found.route, *names)


def dead_ends(browser: Client, starts: list[str]) -> Iterator[str]:
    """Yield links that fail, starting from these pages. A 405 is no failure: the address is that of a button."""
    ahead = [(start, "") for start in starts]
    seen = set()
    while ahead:
        address, origin = ahead.pop()
        kind = kind_of(address)
        if kind in seen:
            continue
        if origin:  # a start page may be refused, as nothing links to it
            seen.add(kind)
        answer = browser.get(address)
        if answer.status_code in (403, 404) or answer.status_code >= 500:
            if origin:
                yield f"{origin} leads to {address}: {answer.status_code}"
            continue
        seen.add(kind)
        if answer.status_code in (301, 302):
            ahead.append((urljoin(address, answer["Location"]), origin and f"{origin} by {address}"))
        elif answer.get("Content-Type", "").startswith("text/html"):
            ahead += [(link, address) for link in links_of(answer.content.decode(), address)]


def of_all(action: str) -> list[str]:
    """Return the names of the permissions for this action on every model in the admin."""
    return [f"{action}_{model._meta.model_name}" for model in admin.site._registry]


ROLES = {
    "agent": [],
    "views all": of_all("view"),
    "adds all": of_all("add"),
    "changes all": of_all("change"),
    "deletes all": of_all("delete"),
    "operates": ["view_status", "manage_models", "view_snapshot", "view_webhookendpoint"],
    "adds and views": ["add_user", "view_user", "add_group", "view_group", "add_webhookendpoint"],
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Switch off the logging of refusals, which takes as long as the requests do."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def with_rights(names: list[str]) -> User:
    somebody: User = UserFactory()
    somebody.user_permissions.set(Permission.objects.filter(codename__in=names))
    return somebody


def starts() -> list[str]:
    return [address_of(pattern) for pattern in patterns() if "login" not in pattern]


@pytest.mark.parametrize("role", ROLES)
def test_nobody_finds_dead_ends(role: str) -> None:
    somebody = with_rights(ROLES[role])
    make_rows(somebody)
    found = list(dead_ends(browser_of(somebody), starts()))
    assert not found, "\n".join(found)


def test_superusers_find_no_dead_ends(admin_client: Client, admin_user: User) -> None:
    make_rows(admin_user)
    found = list(dead_ends(admin_client, starts()))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("address", "filled_in"),
    [
        ("/admin/crm/apikey/add/", {"name": "Shop", "scopes": ["customers:read"]}),
        ("/admin/crm/webhookendpoint/add/", {"url": "https://example.com/hook", "events": ["customer.created"]}),
    ],
)
def test_who_may_only_add_is_led_on_from_what_they_added(address: str, filled_in: dict[str, Any]) -> None:
    browser = browser_of(with_rights(of_all("add")))
    added = browser.post(address, filled_in)
    assert added.status_code == 200
    assert not added.context.get("errors")
    links = links_of(added.content.decode(), address)
    assert {link: status for link in links if (status := browser.get(link).status_code) in (403, 404)} == {}


def test_an_account_that_is_only_read_offers_no_new_password() -> None:
    browser = browser_of(with_rights(["view_user"]))
    page = browser.get(f"/admin/crm/user/{UserFactory().pk}/change/")
    assert page.status_code == 200
    assert "/password/" not in page.content.decode().replace("/admin/password_change/", "")
