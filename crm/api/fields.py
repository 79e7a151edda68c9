"""Define fields that several serializers use."""

import re
from datetime import UTC, datetime
from typing import Any, cast

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.accounts.models import User
from crm.text.normalisation import normal

NO_ZONE = "Give the time with its zone, such as 2026-11-23T14:25:00Z."
UNENCODED_PLUS = re.compile(r":\d\d(\.\d+)? \d\d(:?\d\d)?$")
PLUS_IS_BLANK = "In an address, + means a blank. Write the + before the zone as %2B, or give the time in UTC, with Z."


def standard_time(text: str) -> str:
    """Return the time of RFC 3339 with `T` and `Z` in capitals. Raises ValueError with a sentence for people."""
    if UNENCODED_PLUS.search(text.strip()):
        raise ValueError(PLUS_IS_BLANK)
    return text.strip().upper()


class TextField(serializers.CharField):
    """A string, never a number. Null means an empty string where that is allowed."""

    def run_validation(self, data: Any = serializers.empty) -> str:
        text: str = super().run_validation("" if data is None and self.allow_blank else data)
        return text

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return normal(super().to_internal_value(data))


class EmailField(TextField, serializers.EmailField):
    pass


class IdentifierField(TextField):
    """An ID that another system gave. White space is not trimmed."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **kwargs)


class FlagField(serializers.BooleanField):
    """`true` or `false`, but no other value that means one of them."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class UtcDateTimeField(serializers.DateTimeField):
    """A time in ISO 8601. Input needs a zone, whichever; output is in UTC."""

    default_error_messages = {  # noqa: RUF012
        "naive": NO_ZONE,
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)

    def to_internal_value(self, value: Any) -> datetime:
        try:
            time: datetime = super().to_internal_value(standard_time(value) if isinstance(value, str) else value)
        except ValueError as error:
            raise serializers.ValidationError(str(error), "invalid") from error
        return time

    def enforce_timezone(self, value: datetime) -> datetime:
        if value.tzinfo is None:
            self.fail("naive")
        return super().enforce_timezone(value)

    def to_representation(self, value: Any) -> Any:
        if isinstance(value, datetime) and value.tzinfo is UTC:  # as databases return it; this is faster for long lists
            return value.isoformat().replace("+00:00", "Z")
        return super().to_representation(value)


@extend_schema_field(str)
class StaffField(serializers.SlugRelatedField[User]):
    """A member of staff, by username. Each is looked up once for all rows of a request."""

    def __init__(self, **kwargs: Any) -> None:
        if not kwargs.get("read_only"):
            kwargs["queryset"] = User.objects.filter(is_staff=True, is_active=True)
        super().__init__(slug_field="username", **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> User | None:
        if data == "":  # the parent class would take it for null
            self.fail("does_not_exist", slug_name=self.slug_field, value=data)
        member: User | None = super().run_validation(data)
        return member

    def to_internal_value(self, data: Any) -> User:
        known = cast(dict[str, dict[str, User]], self.context).setdefault("staff", {})
        if not isinstance(data, str) or "\0" in data:
            self.fail("invalid")
        if data not in known:
            known[data] = super().to_internal_value(data)
        return known[data]
