"""Read a customer's interactions and snapshots as one list, newest first, in pages that all cost the same.

A page begins after a position (time, kind, primary key), and each table is read from there. At the same time, a
snapshot counts as later than its interaction.
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
    """The kinds of entries, in the order in which entries of the same time happened."""

    INTERACTION = 0
    SNAPSHOT = 1


TIME_FIELDS = {Kind.INTERACTION: "occurred_at", Kind.SNAPSHOT: "captured_at"}
KINDS = {kind.name.lower(): kind for kind in Kind}
MAX_KEY = 2**63 - 1


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """The place of an entry in the list."""

    at: datetime
    kind: Kind
    key: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after this position towards newer entries, or towards older ones."""

    position: Position
    newer: bool

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read a cursor that `str` made. Raises ValueError for any other text."""
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
    """One customer's entries of these kinds, within these bounds."""

    customer: Customer
    kinds: frozenset[Kind] = field(default_factory=lambda: frozenset(Kind))
    after: datetime | None = None  # inclusive
    before: datetime | None = None  # exclusive

    def page(self, size: int, cursor: Cursor | None = None) -> Page:
        """Return at most `size` entries, newest first, with cursors to both sides."""
        newer = cursor is not None and cursor.newer
        found = [entry for kind in sorted(self.kinds) for entry in self._entries_after(kind, cursor, size + 1)]
        found.sort(key=lambda entry: entry.position, reverse=not newer)
        entries, more = found[:size], len(found) > size
        if newer:
            entries.reverse()
        if not entries:
            return Page([], None, None)
        prefetch_related_objects([each.snapshot for each in entries if each.snapshot], snapshots.current_records())
        to_older = Cursor(entries[-1].position, newer=False) if more or newer else None
        to_newer = Cursor(entries[0].position, newer=True) if (more if newer else cursor) else None
        return Page(entries, to_older, to_newer)

    def _entries_after(self, kind: Kind, cursor: Cursor | None, limit: int) -> Iterable[Entry]:
        at = TIME_FIELDS[kind]
        sign = "" if cursor and cursor.newer else "-"
        rows = self._rows(kind, at).order_by(f"{sign}{at}", f"{sign}pk")
        if cursor:
            rows = rows.filter(_is_after(kind, at, cursor))
        for row in rows[:limit]:
            yield Entry(Position(getattr(row, at), kind, row.pk), **{kind.name.lower(): row})

    def _rows(self, kind: Kind, at: str) -> QuerySet[Any]:
        bounds = {f"{at}__gte": self.after, f"{at}__lt": self.before}
        given = {name: value for name, value in bounds.items() if value is not None}
        if kind == Kind.INTERACTION:
            return interactions.for_representation(Interaction.objects.filter(customer=self.customer, **given))
        return snapshots.with_references(Snapshot.objects.filter(customer=self.customer, **given))


def _is_after(kind: Kind, at: str, cursor: Cursor) -> Q:
    """Match the rows of this kind that come after the position, in the direction of the cursor."""
    position, sign = cursor.position, "gt" if cursor.newer else "lt"
    if kind == position.kind:
        # The first condition is enough. The second lets the database start at the right place in an index.
        later = Q(**{f"{at}__{sign}": position.at}) | Q(**{at: position.at, f"pk__{sign}": position.key})
        return later & Q(**{f"{at}__{sign}e": position.at})
    same_time_too = (kind > position.kind) == cursor.newer
    return Q(**{f"{at}__{sign}{'e' if same_time_too else ''}": position.at})
