"""Search without case and accents: every word must be in one of a row's columns."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.db.models.constants import LOOKUP_SEP

from crm.text.fields import SEARCH_COLUMN
from crm.text.normalisation import dialled, folded, may_be_of_phone

Row = TypeVar("Row", bound=Model)


def matching(rows: QuerySet[Row], words: Iterable[str], columns: Sequence[str]) -> QuerySet[Row]:
    """Return the rows that have every word in one of the columns.

    The database searches columns of folded text (crm.text.fields.SearchText). Other columns are read and folded here.
    Use such columns only in tables of a few hundred rows.
    """
    wanted = [_ways_to_write(word) for word in words]
    if not (wanted and columns):
        return rows
    if all(column.split(LOOKUP_SEP)[-1] == SEARCH_COLUMN for column in columns):
        return rows.filter(*(_in_one_of(columns, ways) for ways in wanted))
    return rows.filter(pk__in=_read_and_search(rows, wanted, columns))


def _ways_to_write(word: str) -> list[str]:
    """Return how the columns may contain the word: folded and, if it may be part of a phone number, as dialled."""
    ways = [folded(word) or word, *([dialled(word)] if may_be_of_phone(word) else [])]
    return list(dict.fromkeys(ways))


def _in_one_of(columns: Iterable[str], ways: Iterable[str]) -> Q:
    return reduce(operator.or_, (Q(**{f"{column}__contains": way}) for column in columns for way in ways))


def _read_and_search(rows: QuerySet[Any], wanted: Iterable[Sequence[str]], columns: Sequence[str]) -> list[Any]:
    texts = {key: [folded(str(each)) for each in row] for key, *row in rows.order_by().values_list("pk", *columns)}
    return [
        key for key, row in texts.items() if all(any(way in text for text in row for way in ways) for ways in wanted)
    ]
