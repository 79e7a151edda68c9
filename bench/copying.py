"""Copy rows into PostgreSQL with COPY, column by column."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
from django.apps import apps
from django.core.management.color import no_style
from django.db import connection, models

from crm.text.fields import SearchText, search_text

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy(model: type[models.Model], count: int, chance: np.random.Generator, **columns: Any) -> None:
    """Insert `count` rows. A list or an array has one value for each row; any other value goes into every row.

    Columns have the attnames of their fields. A column that is not given gets its default, or a UUID from `chance`.
    """
    fields = model._meta.concrete_fields
    if unknown := columns.keys() - {field.attname for field in fields}:
        raise TypeError(f"{model.__name__} has no columns {', '.join(sorted(unknown))}.")
    texts = [_column(field, count, chance, columns) for field in fields]
    lines = "".join(f"{line}\n" for line in map("\t".join, zip(*texts, strict=True)))
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(model._meta.db_table)
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copying:
            copying.write(lines)


def _column(field: Any, count: int, chance: np.random.Generator, columns: dict[str, Any]) -> Sequence[str]:
    if field.attname in columns:
        value = columns[field.attname]
    elif isinstance(field, models.UUIDField) and not field.null:
        return uuids(count, chance)
    elif isinstance(field, SearchText):
        value = [search_text(row, field.columns) for row in _rows(field.columns, count, columns)]
    else:
        value = field.get_default()
    if isinstance(value, np.ndarray):
        return [text(each) for each in value.tolist()]
    return [text(each) for each in value] if isinstance(value, list) else [text(value)] * count


def _rows(names: Sequence[str], count: int, columns: dict[str, Any]) -> Iterator[SimpleNamespace]:
    """Yield the values of these columns, row by row."""
    for place in range(count):
        given = {name: columns.get(name, "") for name in names}
        yield SimpleNamespace(**{n: each[place] if isinstance(each, list) else each for n, each in given.items()})


def text(value: Any) -> str:
    """Return the value in the text format of COPY."""
    match value:
        case None:
            return "\\N"
        case bool():
            return "t" if value else "f"
        case str():
            return value.translate(_ESCAPES)
        case bytes():
            return f"\\\\x{value.hex()}"
        case datetime():
            return value.isoformat()
    return repr(value)


def uuids(count: int, chance: np.random.Generator) -> list[str]:
    """Return UUIDs of version 4 (RFC 9562), as 32 hexadecimal digits."""
    octets = np.frombuffer(chance.bytes(16 * count), np.uint8).reshape(count, 16).copy()
    octets[:, 6] = octets[:, 6] & 0x0F | 0x40
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80
    digits = octets.tobytes().hex()
    return [digits[start : start + 32] for start in range(0, len(digits), 32)]


def set_sequences() -> None:
    """Set the sequences, so that the next row gets the number after the last one."""
    kinds = [model for app in ("crm", "emotions") for model in apps.get_app_config(app).get_models()]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), kinds):
            cursor.execute(statement)
