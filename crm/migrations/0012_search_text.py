"""Brings stored text into its normal form, and folds it for the search."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import IntegrityError, migrations, models, transaction

from crm.models.text import search_text
from crm.text import normal

AT_ONCE = 1_000  # rows
# By model: the columns that are composed together, and those in which a row is searched.
COMPOSED = {
    "Customer": (("name", "email", "phone", "company", "notes"), ("source", "external_id")),
    "Interaction": (("notes",),),
    "WebhookEndpoint": (("description",),),
}
SEARCHED = {"Customer": ("name", "email", "phone", "company", "external_id"), "Interaction": ("notes",)}
logger = logging.getLogger(__name__)


def compose(apps: Any, schema_editor: Any) -> None:
    for model, groups in COMPOSED.items():
        for batch in _batches(apps.get_model("crm", model), schema_editor):
            for row in batch:
                for columns in groups:
                    _compose(row, columns)


def fold(apps: Any, schema_editor: Any) -> None:
    for model, columns in SEARCHED.items():
        rows = apps.get_model("crm", model)
        for batch in _batches(rows, schema_editor):
            for row in batch:
                row.search_text = search_text(row, columns)
            rows._base_manager.using(schema_editor.connection.alias).bulk_update(batch, ["search_text"])


def _batches(model: Any, schema_editor: Any) -> Iterator[list[Any]]:
    rows = model._base_manager.using(schema_editor.connection.alias).order_by("pk")
    last = 0
    while batch := list(rows.filter(pk__gt=last)[:AT_ONCE]):
        yield batch
        last = batch[-1].pk


def _compose(row: Any, columns: Sequence[str]) -> None:
    """Save the columns that this changes, and when: other systems ask for what has changed since."""
    before = {column: getattr(row, column) for column in columns}
    changed = {
        column: normal(text)
        for column, text in before.items()
        if text != normal(text) and len(normal(text)) <= len(text)
    }
    if not changed:
        return
    for column, text in changed.items():
        setattr(row, column, text)
    try:
        with transaction.atomic(row._state.db):
            row.save(update_fields=[*changed, "updated_at"])
    except IntegrityError:
        logger.warning("Customer %s has another's external ID but for how accents are written; it stays.", row.uuid)
        for column, text in before.items():
            setattr(row, column, text)


class Migration(migrations.Migration):
    dependencies = [("crm", "0011_webhooks_in_turn")]

    operations = [
        *(
            migrations.AddField(
                model_name=model.lower(),
                name="search_text",
                field=models.TextField(blank=True, db_default="", default="", editable=False),
            )
            for model in SEARCHED
        ),
        migrations.RunPython(compose, migrations.RunPython.noop),
        migrations.RunPython(fold, migrations.RunPython.noop),
    ]
