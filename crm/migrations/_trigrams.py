"""Indexes with which PostgreSQL finds parts of words by their trigrams instead of reading every row.

The extension pg_trgm comes with PostgreSQL, and whoever may create objects in the database may install it. Where that
is not possible, the search is as right without the indexes, and slower. They are not in the models' state, because
SQLite has nothing of the kind.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DatabaseError, transaction

NOT_POSSIBLE = (
    "Searches read every row: PostgreSQL's extension pg_trgm cannot be installed (%s). Let an administrator run CREATE"
    " EXTENSION pg_trgm in this database, then migrate to crm %s and forward again."
)
Indexes = Mapping[str, tuple[str, Sequence[str]]]  # by name: the table and the expressions
logger = logging.getLogger(__name__)


def create(schema_editor: Any, indexes: Indexes, before: str) -> None:
    """`before`: the migration after which they are made. Replaces those of the same names."""
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        logger.warning(NOT_POSSIBLE, str(error).strip(), before)
        return
    for name, (table, columns) in indexes.items():
        expressions = ", ".join(f"{column} gin_trgm_ops" for column in columns)
        schema_editor.execute(f'DROP INDEX IF EXISTS "{name}"')
        schema_editor.execute(f'CREATE INDEX "{name}" ON "{table}" USING gin ({expressions})')
        schema_editor.execute(f'ANALYZE "{table}"')  # of the expressions too


def drop(schema_editor: Any, indexes: Indexes) -> None:
    """The extension stays: others may use it."""
    if schema_editor.connection.vendor == "postgresql":
        for name in indexes:
            schema_editor.execute(f'DROP INDEX IF EXISTS "{name}"')
