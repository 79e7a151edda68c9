"""Check that no page and no list of the API breaks, whatever somebody types into its path or query."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings as configured
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.admin.options import IS_FACETS_VAR, IS_POPUP_VAR, TO_FIELD_VAR
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.db import transaction
from django.db.models import Model
from django.test import Client
from pytest_django import Settings

from crm.models import User
from crm.workspace.admin import LOOKUPS_OF_FILTERS
from tests.support.addresses import PLACE, address_of, api_address_of, make_rows, patterns
from tests.support.api import System

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("released_model")]

# Written as in an address. %FF is not UTF-8; of a parameter that is given twice, the last counts.
RUBBISH = (
    "",
    "abc",
    "-1",
    "%C2%B2",
    "9" * 40,
    "%00",
    "%FF",
    "x" * 3000,
    "0000-00-00",
    "9999-12-31T23:59:59-23:59",
    "1&{0}=abc",
    "%5B%7B%7D",
    "_%25'%22%5C",
)
# Enough where one place refuses the value for all pages.
FEW = ("abc", "9" * 40, "%00", "%FF", "9999-12-31T23:59:59-23:59")
WHERE_TO_SHOW = (ALL_VAR, ORDER_VAR, PAGE_VAR, SEARCH_VAR, ERROR_FLAG, IS_FACETS_VAR, IS_POPUP_VAR)
OF_AUTOCOMPLETE = {"app_label": "crm", "model_name": "consent", "field_name": "customer", "term": "a", "page": "1"}
OF_THE_SEARCH = {"s": "customer", "page": "1", "extended": "1"}
READ = re.compile(r"""\.GET(?:\.get\(|\.getlist\(|\[)"(\w+)""")


def own_parameters() -> set[str]:
    """Return the query parameters that the code of our pages reads."""
    folders = [path.parent for path in Path(configured.BASE_DIR).glob("*/__init__.py") if path.parent.name != "tests"]
    found = {name for folder in folders for file in folder.rglob("*.py") for name in READ.findall(file.read_text())}
    assert {"page", "after", "state"} <= found
    return {*found, "next"}


def pages_of(pattern: str) -> ModelAdmin[Model] | None:
    parts = pattern.split("/")
    found = [page for model, page in admin.site._registry.items() if parts[1:3] == model._meta.label_lower.split(".")]
    return found[0] if found else None


def filters_of(pages: Any) -> Iterator[str]:
    """Yield the parameters of the list's filters, and the others that the list accepts."""
    for given in pages.list_filter:
        name = given if isinstance(given, str) else given[0]
        yield from (name + end for end in LOOKUPS_OF_FILTERS)
    yield from getattr(pages, "extra_lookups", ())


def questions(name: str, values: Iterable[str] = RUBBISH) -> list[str]:
    return [f"{name}={rubbish.format(name)}" for rubbish in values]


def all_at_once(names: Iterable[str], values: Iterable[str] = RUBBISH) -> list[str]:
    return ["&".join(f"{name}={rubbish.format(name)}" for name in names) for rubbish in values]


def broken(client: Client, addresses: Iterable[str]) -> list[str]:
    """Return the addresses that are answered with a server error, each with the error."""
    found = []
    client.raise_request_exception = True
    for address in addresses:
        try:
            with transaction.atomic():
                status = client.get(address).status_code
                transaction.set_rollback(True)  # after an error, even a caught one, PostgreSQL refuses every query
        except Exception as error:
            found.append(f"{address[:200]}: {error!r:.200}")
        else:
            if status >= 500 or status == 429:
                found.append(f"{address[:200]}: {status}")
    return found


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Switch off the logging of refusals, which takes as long as the requests do."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True)
def everything_at_once(settings: Settings) -> None:
    settings.API_RATE = "100000/minute"


LISTS = [pattern for pattern in patterns() if pages_of(pattern) and pattern.count("/") == 3]
OTHERS = [pattern for pattern in patterns() if pattern not in LISTS]


@pytest.mark.parametrize("pattern", LISTS)
def test_no_parameter_breaks_a_list(admin_user: User, admin_client: Client, pattern: str) -> None:
    """Try filters one by one, because a list stops at the first that it refuses."""
    make_rows(admin_user)
    alone = [*filters_of(pages_of(pattern)), TO_FIELD_VAR]
    asked = [*all_at_once(WHERE_TO_SHOW), *(query for name in alone for query in questions(name))]
    assert broken(admin_client, [f"/{pattern}?{query}" for query in asked]) == []


def test_no_parameter_breaks_another_page(admin_user: User, admin_client: Client) -> None:
    """Try all parameters at once, and one by one only where that fails."""
    make_rows(admin_user)
    found = []
    for pattern in OTHERS:
        pages = pages_of(pattern)
        fields = [field.name for field in pages.model._meta.get_fields()] if pages else []
        names = [*own_parameters(), IS_POPUP_VAR, "_changelist_filters", *fields]
        address = address_of(pattern)
        values = RUBBISH if pattern.endswith("/add/") else FEW
        if broken(admin_client, [f"{address}?{query}" for query in all_at_once(names, values)]):
            found += broken(admin_client, [f"{address}?{query}" for name in names for query in questions(name)])
    assert found == []


@pytest.mark.parametrize(
    ("address", "right"), [("/admin/search/", OF_THE_SEARCH), ("/admin/autocomplete/", OF_AUTOCOMPLETE)]
)
def test_one_wrong_parameter_among_right_ones(admin_client: Client, address: str, right: dict[str, str]) -> None:
    asked = [
        "&".join(f"{each}={rubbish.format(each) if each == name else value}" for each, value in right.items())
        for name in right
        for rubbish in RUBBISH
    ]
    assert broken(admin_client, [f"{address}?{query}" for query in asked]) == []


def test_no_path_breaks_a_page(admin_client: Client) -> None:
    paths = [PLACE.sub(each, pattern) for pattern in patterns() if PLACE.search(pattern) for each in ("x" * 3000, *FEW)]
    assert broken(admin_client, [f"/{path}" for path in paths if "{" not in path]) == []


def test_no_parameter_breaks_the_api() -> None:
    system = System()
    make_rows(system.user)
    described = yaml.safe_load(Path(configured.BASE_DIR, "docs/openapi.yaml").read_text())["paths"]
    asked = [
        f"{api_address_of(path)}?{each}"
        for path, operations in described.items()
        for parameter in operations.get("get", {}).get("parameters", [])
        if parameter["in"] == "query"
        for each in questions(parameter["name"], FEW)
    ]
    assert len(asked) > 200
    assert broken(system, asked) == []
