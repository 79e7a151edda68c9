"""Provide the base of every serializer of the API."""

from collections.abc import Mapping
from typing import Any

from django.db import models
from rest_framework import serializers
from rest_framework.request import Request

from crm.api.fields import EmailField, FlagField, IdentifierField, TextField, UtcDateTimeField
from crm.text import fields as text


class StrictMixin(serializers.Serializer):  # type: ignore[type-arg]  # the rows' type is the subclass's
    """Reject unknown fields instead of ignoring them, and answer only with those that `?fields=` asks for.

    Read-only fields are accepted and ignored, so that a client may send back what it received.
    """

    @classmethod
    def many_init(cls, *args: Any, **kwargs: Any) -> Any:
        rows: Any = super().many_init(*args, **kwargs)
        _ = rows.child.fields  # checks the parameter `fields` even if there are no rows
        return rows

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields)):
            message = f"There is no such field. Known ones: {', '.join(self._writable_names())}."
            raise serializers.ValidationError({str(name): [message] for name in sorted(map(str, unknown))}, "unknown")
        return super().to_internal_value(data)

    def _writable_names(self) -> list[str]:
        return [name for name, field in self.fields.items() if not field.read_only]

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        if (wanted := self._wanted()) is None:
            return fields
        if unknown := wanted - set(fields):
            message = f"There is no field {', '.join(sorted(unknown))}. Known ones: {', '.join(fields)}."
            raise serializers.ValidationError({"fields": [message]}, "unknown")
        return {name: field for name, field in fields.items() if name in wanted}

    def _wanted(self) -> set[str] | None:
        """Return the names in the query parameter `fields`; None where it does not apply."""
        request = self.context.get("request")
        outermost = self.parent is None or (getattr(self.parent, "many", False) and self.parent.parent is None)
        if not isinstance(request, Request) or request.method not in ("GET", "HEAD") or not outermost:
            return None
        if self.context.get("whole"):  # the ETag is of every field
            return None
        names = request.query_params.get("fields")
        return None if names is None else set(names.split(","))


class StrictSerializer(StrictMixin):
    pass


class StrictModelSerializer(StrictMixin, serializers.ModelSerializer):  # type: ignore[type-arg]
    serializer_field_mapping = serializers.ModelSerializer.serializer_field_mapping | {
        models.BooleanField: FlagField,
        models.CharField: TextField,
        models.DateTimeField: UtcDateTimeField,
        models.EmailField: EmailField,
        models.TextField: TextField,
        text.IdentifierField: IdentifierField,
    }

    id = serializers.UUIDField(source="uuid", read_only=True)
