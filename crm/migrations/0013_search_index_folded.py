"""Lets PostgreSQL find words in the folded texts by trigrams."""

from importlib import import_module
from typing import Any

from django.db import migrations

from crm.migrations import _trigrams

earlier = import_module("crm.migrations.0006_search_index")
INDEXES = {
    "customer_search": ("crm_customer", ['"search_text"']),
    "interaction_search": ("crm_interaction", ['"search_text"']),
}


def create(apps: Any, schema_editor: Any) -> None:
    _trigrams.create(schema_editor, INDEXES, "0012")


class Migration(migrations.Migration):
    dependencies = [("crm", "0012_search_text")]

    operations = [migrations.RunPython(create, earlier.create)]
