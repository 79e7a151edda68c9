"""Choose the database that the tests run on."""

import os

import dj_database_url
from django.conf import settings
from django.db import connection, connections

from config.settings import database
from tests.support.servers import installed


def on_sqlite() -> bool:
    """Return whether this run uses SQLite: by request, or because PostgreSQL is not installed."""
    return os.environ.get("TEST_DATABASE") == "sqlite" or not (os.environ.get("CI") or installed("postgres"))


def somebody_waits_for_a_lock() -> bool:
    """Return whether any connection waits for a lock, in any of PostgreSQL's databases."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def use_database(url: str, test_name: str | None = None) -> None:
    """Let Django's default connection lead to another database, whatever its engine."""
    settings.DATABASES = {"default": database(dict(dj_database_url.parse(url))) | {"TEST": {"NAME": test_name}}}
    connections.close_all()
    connections.settings = connections.configure_settings(settings.DATABASES)
    connections["default"]  # creates the connection if there is none
    del connections["default"]  # the next use creates one with the new settings


def cut_connections(*, amid_transactions: bool = False) -> int:
    """Let PostgreSQL end all connections to this database except this process's, or only those in a transaction.

    Return how many it ended.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND (xact_start IS NOT NULL OR %s)",
            [not amid_transactions],
        )
        return int(cursor.fetchone()[0])
