"""Add to the OpenAPI schema what drf-spectacular does not find out by itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import get_lib_doc_excludes

from crm.api.problems import MEDIA_TYPE
from crm.api.serializers import StrictMixin, StrictModelSerializer, StrictSerializer
from crm.api.views import ApiMixin

PROBLEM = "Problem"
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; for programs."},
        "detail": {"type": "string", "description": "A sentence for people."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "detail"],
                "properties": {
                    "field": {"type": "string", "description": "Path in the request; empty: the request as a whole."},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
EVERYWHERE = (400, 401, 403, 405, 406, 413, 429, 500, 503)
WITH_OBJECT = (404,)
WITH_BODY = (409, 412, 415, 422)
COLUMN_MAXIMA = (2**15 - 1, 2**31 - 1, 2**63 - 1)
METHODS = ("get", "post", "put", "patch", "delete")


def classes_without_description() -> list[type]:
    """Return base classes, so that their docstrings do not describe the classes made from them in the schema."""
    libraries: list[type] = get_lib_doc_excludes()  # type: ignore[no-untyped-call]
    return [*libraries, StrictMixin, StrictSerializer, StrictModelSerializer, ApiMixin]


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its registry is not typed
    target_class = "crm.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key, made in the admin."}


class TextFieldSchema(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # its registry is not typed
    """Allow null in requests for a text that may be empty, which means the same. Answers have no null."""

    target_class = "crm.api.fields.TextField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        described = auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)  # type: ignore[no-untyped-call]
        schema: dict[str, Any] = described
        if direction == "request" and self.target.allow_blank:
            schema["type"] = [schema["type"], "null"]
        return schema


class ApiSchema(AutoSchema):
    """Describe which scope an operation needs, and that a client may ask for some fields only.

    The parameter `fields` is not in the schema, because answers to it lack fields that the schema requires.
    """

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular calls it
        description: str = super().get_description() or ""
        scope = getattr(self.view, "read_scope" if self.method == "GET" else "write_scope", None)
        notes = [description, f"Scope: `{scope}`." if scope else ""]
        if self.method == "GET" and isinstance(self.get_response_serializers(), StrictMixin):
            notes.append("With `?fields=` and names separated by commas, the answer has only these fields.")
        return "\n\n".join(filter(None, notes))


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add problems to the answers of every operation. A hook of drf-spectacular, as the functions below."""
    result["components"]["schemas"][PROBLEM] = PROBLEM_SCHEMA
    content = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{PROBLEM}"}}}
    result["components"]["responses"] = {
        f"{PROBLEM}{status}": {"content": content, "description": HTTPStatus(status).phrase}
        for status in (*EVERYWHERE, *WITH_OBJECT, *WITH_BODY)
    }
    for path, operations in result["paths"].items():
        for method in METHODS:
            if operation := operations.get(method):
                _add_problems(operation, path)
    return result


def _add_problems(operation: dict[str, Any], path: str) -> None:
    parameters = {parameter["name"] for parameter in operation.get("parameters", ())}
    statuses: tuple[int, ...] = EVERYWHERE
    statuses += WITH_OBJECT if "{" in path or "cursor" in parameters else ()
    statuses += WITH_BODY if "requestBody" in operation or "{" in path else ()
    for status in sorted(statuses):
        operation["responses"].setdefault(str(status), {"$ref": f"#/components/responses/{PROBLEM}{status}"})


def forget_database_ranges(result: Any, **_: Any) -> Any:
    """Leave out the largest number that a column can hold: it depends on the database, not on the API."""
    if isinstance(result, dict):
        if result.get("maximum") in COLUMN_MAXIMA:
            del result["maximum"]
            result.pop("format", None)
        for value in result.values():
            forget_database_ranges(value)
    elif isinstance(result, list):
        for value in result:
            forget_database_ranges(value)
    return result


def forbid_empty_parameters(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say that a query parameter needs a value, because views refuse empty ones."""
    for operations in result["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["schema"].get("type") == "string" and not parameter["schema"].keys() & {"format", "enum"}:
                    parameter["schema"]["minLength"] = 1
    return result


def forbid_unknown_fields(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say that bodies have no other fields, because serializers refuse unknown ones."""
    for name, schema in result["components"]["schemas"].items():
        if name.endswith("Request") and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
    return result


# A text is blank if str.strip leaves nothing of it. It strips these four separators too, unlike \s in other languages.
NOT_BLANK = r"[^\s\u001c-\u001f\u0085]"


def forbid_blank_texts(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say that a text that must not be empty must not consist of white space either."""
    for name, schema in result["components"]["schemas"].items():
        for field in schema.get("properties", {}).values() if name.endswith("Request") else ():
            if field.get("type") == "string" and field.get("minLength") and "format" not in field:
                field.setdefault("pattern", NOT_BLANK)
    return result
