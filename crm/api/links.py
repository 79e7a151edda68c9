"""Add OpenAPI links to the schema: which requests may follow an answer. Readers and tests follow them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

ANSWERS = ("200", "201", "202")
ONE, FIRST = "$response.body#/id", "$response.body#/results/0/id"
PREFIX = "/api/v1/"

Schema = dict[str, Any]


def add_links(result: Schema, **_: Any) -> Schema:
    """Link each answer that has a resource's ID, or a list of them, to the operations that take the ID.

    A hook of drf-spectacular. Answers to requests that had the ID in their address are left out.
    """
    schemas, operations = result["components"]["schemas"], list(_operations(result))
    resources = dict(_resources(operations, schemas))
    links: Schema = {}
    for path, _method, operation in operations:
        for status in set(ANSWERS) & set(operation["responses"]):
            for name, expression in _identified(_answer(operation, status), schemas):
                resource = resources.get(name)
                if resource and not path.startswith(f"{PREFIX}{resource}/{{id}}"):
                    new_links = dict(_links(resource, expression, operations, schemas))
                    links |= new_links
                    names = {each: {"$ref": f"#/components/links/{each}"} for each in sorted(new_links)}
                    operation["responses"][status]["links"] = names
    result["components"]["links"] = dict(sorted(links.items()))
    return result


def _operations(result: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def _resources(operations: list[tuple[str, str, Schema]], schemas: Schema) -> Iterator[tuple[str, str]]:
    """Yield the schemas that have a resource's ID, by name, with the first part of the resource's addresses."""
    for path, method, operation in operations:
        resource = path.removeprefix(PREFIX).partition("/")[0]
        if path in (f"{PREFIX}{resource}", f"{PREFIX}{resource}/{{id}}") and method in ("get", "post"):
            for status in ANSWERS:
                for name, _ in _identified(_answer(operation, status), schemas):
                    yield name, resource


def _answer(operation: Schema, status: str) -> Schema:
    content = operation["responses"].get(status, {}).get("content", {})
    schema: Schema = content.get("application/json", {}).get("schema", {})
    return schema


def _name(schema: Schema) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _identified(schema: Schema, schemas: Schema) -> Iterator[tuple[str, str]]:
    """Yield the name of each schema that the answer identifies, and the place of its ID in the answer."""
    whole = schemas.get(_name(schema), {})
    rows = whole.get("properties", {}).get("results", {}).get("items", {})
    for each, expression in ((schema, ONE), *((one, ONE) for one in whole.get("oneOf", ())), (rows, FIRST)):
        if "id" in schemas.get(_name(each), {}).get("properties", {}):
            yield _name(each), expression


def _links(
    resource: str, expression: str, operations: list[tuple[str, str, Schema]], schemas: Schema
) -> Iterator[tuple[str, Schema]]:
    suffix = "" if expression == ONE else "_of_first"
    for path, method, operation in operations:
        operation_id = operation["operationId"]
        if path.startswith(f"{PREFIX}{resource}/{{"):
            parameter = path.partition("{")[2].partition("}")[0]
            yield f"{operation_id}{suffix}", {"operationId": operation_id, "parameters": {parameter: expression}}
        elif resource == "customers" and method == "post" and "customer" in _body(operation, schemas):
            yield f"{operation_id}{suffix}", {"operationId": operation_id, "requestBody": {"customer": expression}}


def _body(operation: Schema, schemas: Schema) -> Schema:
    """Return the fields of an operation's body."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        fields: Schema = schemas.get(_name(content["schema"]), {}).get("properties", {})
        return fields
    return {}
