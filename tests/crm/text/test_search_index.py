"""Test the search indexes, which only PostgreSQL has."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import QuerySet

from crm.models import Customer, Interaction
from crm.text.search import matching
from tests.support.databases import on_sqlite
from tests.support.factories import CustomerFactory

pytestmark = [pytest.mark.django_db, pytest.mark.skipif(on_sqlite(), reason="needs PostgreSQL")]
MANY = """
    INSERT INTO crm_customer (uuid, name, email, phone, company, notes, source, external_id, created_at, updated_at,
        search_text)
    SELECT gen_random_uuid(), 'Ülkü Özgür', '', '', '', '', '', '', now() - n * interval '1 minute', now(),
        'ulku ozgur ' || to_char(n, 'FM000000') || E'\\n+46 8 00' || n || E'\\n+46800' || n
    FROM generate_series(1, 30000) AS n
"""
migration = import_module("crm.migrations.0002_search_index")


def indexes() -> set[Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexname LIKE '%_search'")
        return {name for (name,) in cursor.fetchall()}


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def migrate() -> None:
    with connection.schema_editor(atomic=False) as editor:
        migration.create(apps, editor)


def plan(rows: QuerySet[Any], words: str) -> str:
    return matching(rows, words.split(), ["search_text"]).order_by().explain()


@pytest.mark.parametrize("words", ["12345", "Ülkü", "+46-8-123456", "ülkü möbel"])
def test_the_search_reads_the_index(words: str) -> None:
    CustomerFactory(name="0123456")
    execute("SET LOCAL enable_seqscan = off", "SET LOCAL enable_indexscan = off")
    assert "customer_search" in plan(Customer.objects.all(), words)
    assert "interaction_search" in plan(Interaction.objects.all(), words)


def test_among_many_customers_the_index_is_the_best_way() -> None:
    # Autovacuum does both in production.
    execute(MANY, "SELECT gin_clean_pending_list('customer_search')", "ANALYZE crm_customer")
    everybody = Customer.objects.order_by("-created_at", "-pk")
    for words in (["004711"], ["ulku", "ozgur", "004711"], ["+46-8-004711"]):
        assert "customer_search" in matching(everybody, words, ["search_text"])[:51].explain(), words


def test_whoever_may_not_install_the_extension_migrates_without_the_indexes(caplog: pytest.LogCaptureFixture) -> None:
    execute("DROP EXTENSION pg_trgm CASCADE", "CREATE ROLE weak", "SET LOCAL ROLE weak")
    migrate()
    assert "CREATE EXTENSION pg_trgm" in caplog.text
    execute("RESET ROLE")
    assert indexes() == set()
    migrate()
    assert indexes() == {"customer_search", "interaction_search"}
