"""Stream long answers row by row, so that no process ever holds a whole one."""

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
# A spreadsheet takes these for the beginning of a formula (https://owasp.org/www-community/attacks/CSV_Injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class CsvRenderer(BaseRenderer):
    """Let a client ask for CSV by its media type. This class renders nothing, because the views stream the rows."""

    media_type = CSV
    format = "csv"


class Line:
    """Stand in for a file, and return what is written to it."""

    def write(self, text: str) -> str:
        return text


def harmless(value: object) -> object:
    """Return the value so that no spreadsheet computes it. Numbers stay numbers, even negative ones."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def csv_of(columns: Iterable[str], rows: Iterable[Iterable[object]], name: str) -> StreamingHttpResponse:
    """Return a CSV file in UTF-8. Its first line has the names of the columns."""
    writer = csv.writer(Line())

    def lines() -> Iterator[str]:
        yield writer.writerow(columns)
        for row in rows:
            yield writer.writerow([harmless(value) for value in row])

    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingHttpResponse(lines(), content_type=f"{CSV}; charset=utf-8", headers=headers)


def json_of(start: dict[str, Any], key: str, rows: Iterable[Any]) -> StreamingHttpResponse:
    """Return a JSON object with the contents of `start`, and the rows under `key`."""
    encode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

    def parts() -> Iterator[str]:
        yield f"{encode(start)[:-1]}{',' if start else ''}{json.dumps(key)}:["
        for number, row in enumerate(rows):
            yield f"{',' if number else ''}{encode(row)}"
        yield "]}"

    return StreamingHttpResponse(parts(), content_type=JSON)
