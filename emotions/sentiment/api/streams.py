"""Long answers, row by row, so that no process ever holds the whole of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer
from rest_framework.utils.encoders import JSONEncoder

CSV = "text/csv"
JSON = "application/json"
# What a spreadsheet takes for the beginning of a formula (https://owasp.org/www-community/attacks/CSV_Injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class CsvRenderer(BaseRenderer):
    """To negotiate the type with; the views stream what it stands for."""

    media_type = CSV
    format = "csv"


class Line:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def harmless(value: object) -> object:
    """A cell that no spreadsheet computes. Numbers stay numbers, negative ones too."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def csv_of(columns: Iterable[str], rows: Iterable[Iterable[object]], name: str) -> StreamingHttpResponse:
    """A file in UTF-8, with the columns' names in its first line."""
    writer = csv.writer(Line())

    def lines() -> Iterator[str]:
        yield writer.writerow(columns)
        for row in rows:
            yield writer.writerow([harmless(value) for value in row])

    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingHttpResponse(lines(), content_type=f"{CSV}; charset=utf-8", headers=headers)


def json_of(start: dict[str, Any], key: str, rows: Iterable[Any]) -> StreamingHttpResponse:
    """An object with what `start` has, and under `key` the rows."""
    encode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

    def parts() -> Iterator[str]:
        yield f"{encode(start)[:-1]}{',' if start else ''}{json.dumps(key)}:["
        for number, row in enumerate(rows):
            yield f"{',' if number else ''}{encode(row)}"
        yield "]}"

    return StreamingHttpResponse(parts(), content_type=JSON)
