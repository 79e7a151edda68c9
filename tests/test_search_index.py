"""The indexes that only PostgreSQL has, so these tests need one."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from crm.api.customers import CustomerViewSet
from crm.models import Customer, Interaction
from tests.factories import CustomerFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("postgres")]
migration = import_module("crm.migrations.0006_search_index")


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


@pytest.mark.parametrize("field", CustomerViewSet.search_fields)
def test_the_search_reads_the_index(field: str) -> None:
    CustomerFactory(**{field: "0123456"})
    execute("SET LOCAL enable_seqscan = off", "SET LOCAL enable_indexscan = off")
    assert "customer_search" in Customer.objects.filter(**{f"{field}__icontains": "12345"}).order_by().explain()
    assert "interaction_search" in Interaction.objects.filter(notes__icontains="12345").order_by().explain()


def test_whoever_may_not_install_the_extension_migrates_without_the_indexes(caplog: pytest.LogCaptureFixture) -> None:
    execute("DROP EXTENSION pg_trgm CASCADE", "CREATE ROLE weak", "SET LOCAL ROLE weak")
    migrate()
    assert "CREATE EXTENSION pg_trgm" in caplog.text
    execute("RESET ROLE")
    assert indexes() == set()
    migrate()
    assert indexes() == {"customer_search", "interaction_search"}
