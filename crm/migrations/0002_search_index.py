"""Let PostgreSQL find words in the folded texts by trigrams.

A migration of its own, so that it can be repeated where the extension could not be installed at first.
"""

from typing import Any

from django.db import migrations

from crm.migrations import _trigrams

INDEXES = {
    "customer_search": ("crm_customer", ['"search_text"']),
    "interaction_search": ("crm_interaction", ['"search_text"']),
}


def create(apps: Any, schema_editor: Any) -> None:
    _trigrams.create(schema_editor, INDEXES, "0001")


def drop(apps: Any, schema_editor: Any) -> None:
    _trigrams.drop(schema_editor, INDEXES)


class Migration(migrations.Migration):
    dependencies = [("crm", "0001_initial")]

    operations = [migrations.RunPython(create, drop)]
