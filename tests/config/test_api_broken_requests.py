"""Send broken requests to every operation: each is answered with a problem, and none breaks anything."""

import json
from functools import cache
from typing import Any

import pytest

from crm.api.views import MAX_BODY_BYTES
from crm.models import User
from tests.support.api import System
from tests.support.factories import UserFactory
from tests.support.operations import operations
from tests.support.requests import NEVER

pytestmark = pytest.mark.django_db
JSON = "application/json"
TEXTS = (
    "name",
    "notes",
    "source",
    "external_id",
    "url",
    "emotion",
    "kind",
    "customer",
    "scope",
    "obtained_by",
    "state",
)


def fields(text: str) -> bytes:
    """Return a JSON body with every field that any operation accepts, each with this text as its value."""
    return json.dumps(dict.fromkeys(TEXTS, text)).encode()


BODIES = {
    "empty": (JSON, b""),
    "cut off": (JSON, b'{"name": "A'),
    "Latin-1": (JSON, '{"name": "Zoë"}'.encode("latin-1")),
    "UTF-16": (JSON, '{"name": "A"}'.encode("utf-16")),
    "an unknown encoding": (f"{JSON}; charset=nonsense", b'{"name": "A"}'),
    "a list": (JSON, b'[{"name": "A"}]'),
    "a number": (JSON, b"1"),
    "null": (JSON, b"null"),
    "not a number": (JSON, b'{"name": NaN}'),
    "a huge number": (JSON, b'{"name": 1e999999, "events": ' + b"9" * 5000 + b"}"),
    "deep": (JSON, b'{"name":' * 30_000 + b"1" + b"}" * 30_000),
    "a lone surrogate": (JSON, fields("\ud800")),
    "a lone surrogate as a field": (JSON, b'{"\\ud800": 1}'),
    "a lone surrogate as a choice": (JSON, b'{"kind": "\\ud800", "customers": [{"\\ud800": 1}]}'),
    "a NUL byte": (JSON, fields("a\0b")),
    "an unknown field": (JSON, b'{"nobody_knows_me": 1}'),
    "too large": (JSON, b'{"name": "' + b"a" * MAX_BODY_BYTES + b'"}'),
    "another type": ("text/plain", b"name=A"),
    "a form": ("application/x-www-form-urlencoded", b"name=%ff%00"),
    "a form without a boundary": ("multipart/form-data", b"--x--"),
    "no type at all": ("", b'{"name": "A"}'),
}
QUERIES = (
    "%00",
    "a%00b",
    "%ff",
    "%ed%a0%80",
    "",
    "=",
    "%",
    "&&&",
    "fields=%00",
    "fields=",
    "cursor=%00",
    "page_size=1e9",
)
PLACES = ("%00", "%ff", "%ed%a0%80", "..%2f..%2fetc%2fpasswd", "%0d%0aSet-Cookie:a=b", "a" * 5000, "{id}")
TAKES_NO_BODY = ("/pause", "/resume", "/rotate-secret", "/test", "/redeliver", "/retry", "/subject")


@cache
def every_operation() -> list[tuple[str, str]]:
    return list(operations())


@pytest.fixture
def system() -> System:
    user: User = UserFactory(is_superuser=True)
    return System(user=user)


def assert_problem(answer: Any, about: object) -> None:
    assert 400 <= answer.status_code < 500, (about, answer.status_code)
    assert answer["Content-Type"] == "application/problem+json", about
    assert {"code", "detail", "status", "title"} <= answer.json().keys(), about


def filled(path: str) -> str:
    return "/api/v1" + path.replace("{id}", NEVER).replace("{interaction_id}", NEVER).format(
        source="s", external_id="1"
    )


@pytest.mark.parametrize("body", BODIES)
def test_a_broken_body_is_a_problem(system: System, body: str) -> None:
    content_type, content = BODIES[body]
    for method, path in every_operation():
        if method in ("POST", "PUT", "PATCH") and not path.endswith(TAKES_NO_BODY):
            answer = system.generic(method, filled(path), content, content_type=content_type)
            assert_problem(answer, (method, path))


@pytest.mark.parametrize("query", QUERIES)
def test_a_broken_query_is_a_problem_or_nothing(system: System, query: str) -> None:
    for method, path in every_operation():
        answer = system.generic(method, filled(path), b"{}", content_type=JSON, QUERY_STRING=f"{query}&x=%00")
        assert_problem(answer, (method, path))


@pytest.mark.parametrize("place", PLACES)
def test_a_broken_address_is_a_problem(system: System, place: str) -> None:
    for method, path in every_operation():
        if "{id}" in path or "{interaction_id}" in path:
            address = "/api/v1" + path.replace("{id}", place).replace("{interaction_id}", place)
            assert_problem(system.generic(method, address, b"{}", content_type=JSON), (method, path))


@pytest.mark.parametrize("method", ["BREW", "TRACE", "POST", "PUT", "PATCH", "DELETE", "GET"])
def test_a_method_that_there_is_not_is_told_with_those_that_there_are(system: System, method: str) -> None:
    known: dict[str, set[str]] = {}
    for each, path in every_operation():
        known.setdefault(filled(path), set()).add(each)
    for path, methods in known.items():
        if method not in methods:
            answer = system.generic(method, path, b"{}", content_type=JSON)
            assert_problem(answer, path)
            assert answer.status_code == 405, path
            assert methods <= set(answer["Allow"].split(", ")), path
