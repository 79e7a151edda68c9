"""Lets PostgreSQL find words in customers and in notes by trigrams; 0013 replaces these indexes."""

from typing import Any

from django.db import migrations

from crm.migrations import _trigrams

SEARCHED = {
    "customer_search": ("crm_customer", ("name", "email", "phone", "company", "external_id")),
    "interaction_search": ("crm_interaction", ("notes",)),
}
# As Django writes `icontains`.
INDEXES = {
    name: (table, [f'UPPER("{column}"::text)' for column in columns]) for name, (table, columns) in SEARCHED.items()
}


def create(apps: Any, schema_editor: Any) -> None:
    _trigrams.create(schema_editor, INDEXES, "0005")


def drop(apps: Any, schema_editor: Any) -> None:
    _trigrams.drop(schema_editor, INDEXES)


class Migration(migrations.Migration):
    dependencies = [("crm", "0005_api_orders")]

    operations = [migrations.RunPython(create, drop)]
