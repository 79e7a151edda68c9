"""Count exactly, in all processes together: no two callers get the same number.

The counters are in the Redis of CACHE_URL or, where that is a folder, in a small database in that folder. Django's
cache in files is unsuitable: it loses counts when two processes write at once, and deletes files to make room.
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
LOCK_TIMEOUT = 5  # seconds to wait while other processes count
THIS_PROCESS = LocMemCache("counters", {"OPTIONS": {"MAX_ENTRIES": 10_000}})


def count(name: str, lifetime: int, *, even_alone: bool = False) -> int | None:
    """Add one to the counter, and return the new number.

    If the counters cannot be reached, each process counts for itself if `even_alone`; otherwise None is returned.
    The counter is forgotten `lifetime` seconds after its first count.
    """
    with _ignoring_outages():
        return _count_in_file(name, lifetime) if _in_files() else _count_in_cache(cache, name, lifetime)
    return _count_in_cache(THIS_PROCESS, name, lifetime) if even_alone else None


def count_back(name: str) -> None:
    """Take one from the counter, unless the counter was forgotten."""
    with _ignoring_outages():
        if _in_files():
            with _database() as database:
                database.execute("UPDATE counters SET number = number - 1 WHERE name = ?", (name,))
        else:
            _count_back_in_cache(cache, name)
        return
    _count_back_in_cache(THIS_PROCESS, name)


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
    with closing(sqlite3.connect(folder / FILE, timeout=LOCK_TIMEOUT, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")  # counts may be lost when the machine crashes
        database.execute("BEGIN IMMEDIATE")
        database.execute(
            "CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, number INTEGER, ends REAL) WITHOUT ROWID"
        )
        database.execute("CREATE INDEX IF NOT EXISTS by_end ON counters (ends)")
        yield database
        database.execute("COMMIT")


@contextmanager
def _ignoring_outages() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # each cache raises its own errors
        logger.warning("Requests are not counted together: the cache cannot be reached (%s)", error)


def _in_files() -> bool:
    backend: str = settings.CACHES["default"]["BACKEND"]
    return backend.endswith("FileBasedCache")
