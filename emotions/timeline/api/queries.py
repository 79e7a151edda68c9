"""Reads: a customer's interactions and snapshots in one list, newest first, in pages that all cost the same.

A page begins behind a position, (time, kind, primary key), and both tables are asked for what comes after it. Of
the same time, a snapshot comes before its interaction, as the later of the two.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from django.db.models import Q, QuerySet, prefetch_related_objects

from crm.interactions import api as interactions
from crm.models import Customer, Interaction
from emotions.snapshots.models import Snapshot
from emotions.uploads.api import serializers as snapshots


class Kind(IntEnum):
    """Of entries, in the order in which those of the same time happened."""

    INTERACTION = 0
    SNAPSHOT = 1


TIME_FIELDS = {Kind.INTERACTION: "occurred_at", Kind.SNAPSHOT: "captured_at"}
KINDS = {kind.name.lower(): kind for kind in Kind}
MAX_KEY = 2**63 - 1


@dataclass(frozen=True, slots=True, order=True)
class Position:
    at: datetime
    kind: Kind
    key: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """What a page begins behind: in the past of a position, or in its future."""

    position: Position
    newer: bool

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Raises ValueError for what `str` did not make."""
        try:
            newer, at, kind, key = json.loads(urlsafe_b64decode(text.encode("ascii")))
            if not (isinstance(newer, bool) and isinstance(key, int) and 0 <= key <= MAX_KEY):
                raise ValueError("No cursor.")
            return cls(Position(datetime.fromisoformat(at).astimezone(UTC), Kind(kind), key), newer)
        except (TypeError, RecursionError, OverflowError) as error:
            raise ValueError("No cursor.") from error

    def __str__(self) -> str:
        position = self.position
        parts = (self.newer, position.at.astimezone(UTC).isoformat(), position.kind, position.key)
        return urlsafe_b64encode(json.dumps(parts).encode()).decode()


@dataclass(frozen=True, slots=True)
class Entry:
    position: Position
    interaction: Interaction | None = None
    snapshot: Snapshot | None = None

    @property
    def type(self) -> str:
        return self.position.kind.name.lower()

    @property
    def at(self) -> datetime:
        return self.position.at


@dataclass(frozen=True, slots=True)
class Page:
    entries: list[Entry]
    next: Cursor | None
    previous: Cursor | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """One customer's, or what of it lies within these bounds."""

    customer: Customer
    kinds: frozenset[Kind] = field(default_factory=lambda: frozenset(Kind))
    after: datetime | None = None  # included
    before: datetime | None = None  # not included

    def page(self, size: int, cursor: Cursor | None = None) -> Page:
        """At most `size` entries, newest first."""
        newer = cursor is not None and cursor.newer
        found = [entry for kind in sorted(self.kinds) for entry in self._behind(kind, cursor, size + 1)]
        found.sort(key=lambda entry: entry.position, reverse=not newer)
        entries, more = found[:size], len(found) > size
        if newer:
            entries.reverse()
        if not entries:
            return Page([], None, None)
        prefetch_related_objects([each.snapshot for each in entries if each.snapshot], snapshots.current_records())
        older_ones = Cursor(entries[-1].position, newer=False) if more or newer else None
        newer_ones = Cursor(entries[0].position, newer=True) if (more if newer else cursor) else None
        return Page(entries, older_ones, newer_ones)

    def _behind(self, kind: Kind, cursor: Cursor | None, limit: int) -> Iterable[Entry]:
        at = TIME_FIELDS[kind]
        sign = "" if cursor and cursor.newer else "-"
        rows = self._within(kind, at).order_by(f"{sign}{at}", f"{sign}pk")
        if cursor:
            rows = rows.filter(_beyond(kind, at, cursor))
        for row in rows[:limit]:
            yield Entry(Position(getattr(row, at), kind, row.pk), **{kind.name.lower(): row})

    def _within(self, kind: Kind, at: str) -> QuerySet[Any]:
        bounds = {f"{at}__gte": self.after, f"{at}__lt": self.before}
        given = {name: value for name, value in bounds.items() if value is not None}
        if kind == Kind.INTERACTION:
            return interactions.for_representation(Interaction.objects.filter(customer=self.customer, **given))
        return snapshots.named(Snapshot.objects.filter(customer=self.customer, **given))


def _beyond(kind: Kind, at: str, cursor: Cursor) -> Q:
    """Rows of this kind that come after the position, or before it."""
    position, sign = cursor.position, "gt" if cursor.newer else "lt"
    if kind == position.kind:
        # The first condition alone would do; the second lets the database begin at the right place of an index.
        later = Q(**{f"{at}__{sign}": position.at}) | Q(**{at: position.at, f"pk__{sign}": position.key})
        return later & Q(**{f"{at}__{sign}e": position.at})
    same_time_too = (kind > position.kind) == cursor.newer
    return Q(**{f"{at}__{sign}{'e' if same_time_too else ''}": position.at})
