"""Check that the examples in docs/openapi.yaml, and the answers of real lists, match the described schemas."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from crm.models import Customer
from crm.webhooks.services import add_endpoint
from tests.support.api import System
from tests.support.factories import (
    ConsentFactory,
    CustomerFactory,
    EmotionCorrectionFactory,
    EmotionRecordFactory,
    InteractionFactory,
    SnapshotFactory,
    UserFactory,
)

DESCRIPTION = yaml.safe_load((Path(__file__).parents[2] / "docs" / "openapi.yaml").read_text())
ROWS = 3


def errors(schema: dict[str, Any], value: object) -> list[str]:
    """Return the reasons why the value does not match this schema."""
    whole = {**schema, "components": DESCRIPTION["components"]}
    validator = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    return [f"{error.message} at {list(error.instance_path)}" for error in validator.iter_errors(value)]


def parts(node: object, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object of the description with its path."""
    children: Iterator[tuple[object, object]] = iter(())
    if isinstance(node, dict):
        yield path, node
        children = iter(node.items())
    elif isinstance(node, list):
        children = iter(enumerate(node))
    for name, child in children:
        yield from parts(child, f"{path}/{name}")


def examples() -> Iterator[tuple[str, dict[str, Any], object]]:
    """Yield the path, schema and value of each example in schemas, parameters, headers and media types."""
    for path, part in parts(DESCRIPTION):
        if path.endswith("/properties"):  # the keys here are names of fields
            continue
        schema, found = part.get("schema", part), part.get("examples", {})
        if "example" in part:
            yield path, schema, part["example"]
        if path.endswith("/components"):
            assert not found, "Examples that are shared would have to be looked up."
        values = found if isinstance(found, list) else [each["value"] for each in found.values()]
        for value in values:
            yield path, schema, value


def test_every_example_is_what_its_schema_describes() -> None:
    found = list(examples())
    assert len(found) > 20  # a change of the format must not hide all examples
    wrong = {path: problems for path, schema, value in found if (problems := errors(schema, value))}
    assert wrong == {}


def test_the_description_has_no_words_of_earlier_versions() -> None:
    """OpenAPI 3.1 is JSON Schema: null is a type, and exclusive limits are numbers."""
    assert [path for path, part in parts(DESCRIPTION) if "nullable" in part] == []
    limits = ("exclusiveMinimum", "exclusiveMaximum")
    assert [path for path, part in parts(DESCRIPTION) for word in limits if isinstance(part.get(word), bool)] == []


def customers() -> str:
    CustomerFactory.create_batch(ROWS)
    return "/customers"


def consents() -> str:
    ConsentFactory.create_batch(ROWS)
    return "/consents"


def interactions() -> str:
    InteractionFactory.create_batch(ROWS)
    return "/interactions"


def snapshots() -> str:
    for state in ("analysed", "failed", "withheld"):
        SnapshotFactory(**{state: True})
    return "/snapshots"


def records() -> str:
    EmotionRecordFactory.create_batch(ROWS - 1)
    EmotionCorrectionFactory()
    return "/records"


def corrections() -> str:
    EmotionCorrectionFactory.create_batch(ROWS)
    return "/corrections"


def timeline() -> str:
    customer: Customer = CustomerFactory()
    interaction = InteractionFactory(customer=customer)
    SnapshotFactory(interaction=interaction, analysed=True)
    SnapshotFactory(interaction=interaction)
    return f"/customers/{customer.uuid}/timeline"


def webhooks() -> str:
    for number in range(ROWS):
        add_endpoint(UserFactory(), url=f"https://crm.example.com/{number}", events=["customer.created"])
    return "/webhooks"


def nothing() -> str:
    return "/consents"


LISTS = [customers, consents, interactions, snapshots, records, corrections, timeline, webhooks, nothing]


def schema_of(path: str) -> dict[str, Any]:
    """Return the schema of a list's answer."""
    parts = [part if "-" not in part else "{id}" for part in path.split("/")]
    operation = DESCRIPTION["paths"]["/api/v1" + "/".join(parts)]["get"]
    schema: dict[str, Any] = operation["responses"]["200"]["content"]["application/json"]["schema"]
    return schema


@pytest.mark.django_db
@pytest.mark.parametrize("make", LISTS)
def test_each_page_of_a_list_is_what_is_described(make: Callable[[], str]) -> None:
    """Check the first page, which has no previous one, those between, and the last, which has no next one."""
    path, api = make(), System(user=UserFactory(is_superuser=True))
    address, pages = f"/api/v1{path}?page_size=1", 0
    while address:
        page = api.get(address).json()
        assert errors(schema_of(path), page) == []
        assert (page["previous"] is None) == (pages == 0)
        address, pages = page["next"], pages + 1
    assert pages == (1 if make == nothing else ROWS)
