"""Lets PostgreSQL find words in customers and in notes by their trigrams instead of reading every row.

The extension pg_trgm comes with PostgreSQL, and whoever may create objects in the database may install it. Where that
is not possible, the search is as right without the indexes, and slower. They are not in the models' state, because
SQLite has nothing of the kind.
"""

import logging
from typing import Any

from django.db import DatabaseError, migrations, transaction

INDEXES = {
    "customer_search": ("crm_customer", ("name", "email", "phone", "company", "external_id")),
    "interaction_search": ("crm_interaction", ("notes",)),
}
NOT_POSSIBLE = (
    "Searches read every row: PostgreSQL's extension pg_trgm cannot be installed (%s). Let an administrator run CREATE"
    " EXTENSION pg_trgm in this database, then migrate to crm 0005 and forward again."
)
logger = logging.getLogger(__name__)


def create(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        logger.warning(NOT_POSSIBLE, str(error).strip())
        return
    for name, (table, columns) in INDEXES.items():
        # As Django writes `icontains`.
        expressions = ", ".join(f'UPPER("{column}"::text) gin_trgm_ops' for column in columns)
        schema_editor.execute(f'CREATE INDEX "{name}" ON "{table}" USING gin ({expressions})')
        schema_editor.execute(f'ANALYZE "{table}"')  # of the expressions too


def drop(apps: Any, schema_editor: Any) -> None:
    """The extension stays: others may use it."""
    if schema_editor.connection.vendor == "postgresql":
        for name in INDEXES:
            schema_editor.execute(f'DROP INDEX IF EXISTS "{name}"')


class Migration(migrations.Migration):
    dependencies = [("crm", "0005_api_orders")]

    operations = [migrations.RunPython(create, drop)]
