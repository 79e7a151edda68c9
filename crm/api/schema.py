"""What the OpenAPI description says beyond what drf-spectacular finds out by itself."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from crm.api.problems import MEDIA_TYPE
from crm.api.serializers import StrictMixin

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
METHODS = ("get", "post", "put", "patch", "delete")


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its registry is not typed
    target_class = "crm.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key, made in the admin."}


class ApiSchema(AutoSchema):  # type: ignore[no-untyped-call]
    """Adds the parameter `fields`, and to the description the scope that the operation needs."""

    def get_override_parameters(self) -> list[Any]:
        parameters: list[Any] = super().get_override_parameters()
        if self.method != "GET":
            return parameters
        serializer = self.get_response_serializers()
        if not isinstance(serializer, StrictMixin):
            return parameters
        description = "Only these fields, with commas between them."
        fields = OpenApiParameter("fields", str, many=True, explode=False, style="form", description=description)
        fields.enum = list(serializer.fields)
        return [*parameters, fields]

    def get_description(self) -> str:
        description: str = super().get_description() or ""
        scope = getattr(self.view, "read_scope" if self.method == "GET" else "write_scope", None)
        return f"{description}\n\nScope: `{scope}`." if scope else description


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Hook: every operation may answer with problems."""
    result["components"]["schemas"][PROBLEM] = PROBLEM_SCHEMA
    for path, operations in result["paths"].items():
        for method in METHODS:
            if operation := operations.get(method):
                _add_problems(operation, path)
    return result


def _add_problems(operation: dict[str, Any], path: str) -> None:
    content = {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{PROBLEM}"}}}
    parameters = {parameter["name"] for parameter in operation.get("parameters", ())}
    statuses = EVERYWHERE
    statuses += WITH_OBJECT if "{" in path or "cursor" in parameters else ()
    statuses += WITH_BODY if "requestBody" in operation or "{" in path else ()
    for status in sorted(statuses):
        described = {"content": content, "description": HTTPStatus(status).phrase}
        operation["responses"].setdefault(str(status), described)


def forbid_unknown_fields(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Hook: as serializers refuse fields that they do not know."""
    for name, schema in result["components"]["schemas"].items():
        if name.endswith("Request") and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
    return result
