from datetime import UTC, datetime

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


def move_to_1900(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """In the database alone: of some of these times Python cannot even read a row."""
    for model in ("Snapshot", "SentimentPoint"):
        rows = apps.get_model("emotions", model)._default_manager.using(schema_editor.connection.alias)
        rows.filter(captured_at__lt=EARLIEST).update(captured_at=EARLIEST)


class Migration(migrations.Migration):
    dependencies = [("emotions", "0012_model_fingerprint")]

    operations = [migrations.RunPython(move_to_1900, migrations.RunPython.noop)]
