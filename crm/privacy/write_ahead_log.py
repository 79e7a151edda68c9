"""Empty SQLite's write-ahead log, which keeps what deleted rows contained."""

from django.db import connection

# Others may keep the log in use for this long. After that, the next deletion empties it, or a task within the hour.
BUSY_TIMEOUT_MS = 500


def empty_write_ahead_log() -> None:
    """Move the log's contents into the database file, and truncate the log. Does nothing inside a transaction."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    with connection.cursor() as cursor:
        usual_timeout = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual_timeout}")
