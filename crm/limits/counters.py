"""Counters that all processes share and that are exact: no two callers get the same number.

They are kept in the Redis of CACHE_URL or, where that is a folder, in a small database there: Django's files lose
counts when two processes write at once, and delete any of them to make room.
"""

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings
from django.core.cache import BaseCache, cache
from django.core.cache.backends.locmem import LocMemCache

logger = logging.getLogger(__name__)

FILE = "counters.sqlite3"
PATIENCE = 5  # seconds that a process waits for others to count
OF_THIS_PROCESS = LocMemCache("counters", {"OPTIONS": {"MAX_ENTRIES": 10_000}})


def count(name: str, lifetime: int, *, even_alone: bool = False) -> int | None:
    """Count one more; return how many there are.

    If the counters cannot be reached, each process counts `even_alone`, or else nobody and None is returned.
    The counter is forgotten `lifetime` seconds after it was first counted.
    """
    with _or_nothing():
        return _count_in_file(name, lifetime) if _in_files() else _count_in_cache(cache, name, lifetime)
    return _count_in_cache(OF_THIS_PROCESS, name, lifetime) if even_alone else None


def count_back(name: str) -> None:
    """Count one less, unless the counter is forgotten."""
    with _or_nothing():
        if _in_files():
            with _database() as database:
                database.execute("UPDATE counters SET number = number - 1 WHERE name = ?", (name,))
        else:
            _count_back_in_cache(cache, name)
        return
    _count_back_in_cache(OF_THIS_PROCESS, name)


def _count_in_cache(counters: BaseCache, name: str, lifetime: int) -> int:
    counters.add(name, 0, timeout=lifetime)
    return counters.incr(name)


def _count_back_in_cache(counters: BaseCache, name: str) -> None:
    if counters.get(name) is not None:
        counters.decr(name)


def _count_in_file(name: str, lifetime: int) -> int:
    now = time.time()
    with _database() as database:
        database.execute("DELETE FROM counters WHERE ends < ?", (now,))
        (number,) = database.execute(
            "INSERT INTO counters VALUES (?, 1, ?) ON CONFLICT (name) DO UPDATE SET number = number + 1"
            " RETURNING number",
            (name, now + lifetime),
        ).fetchone()
    return int(number)


@contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    """Open the database for one transaction that writes."""
    folder = Path(settings.CACHES["default"]["LOCATION"])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / FILE, timeout=PATIENCE, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")  # a crash of the machine may forget counts
        database.execute("BEGIN IMMEDIATE")
        database.execute(
            "CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, number INTEGER, ends REAL) WITHOUT ROWID"
        )
        database.execute("CREATE INDEX IF NOT EXISTS by_end ON counters (ends)")
        yield database
        database.execute("COMMIT")


@contextmanager
def _or_nothing() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # each cache has errors of its own
        logger.warning("Requests are not counted together: the cache cannot be reached (%s)", error)


def _in_files() -> bool:
    backend: str = settings.CACHES["default"]["BACKEND"]
    return backend.endswith("FileBasedCache")
