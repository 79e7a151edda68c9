from datetime import UTC, datetime

import django.utils.timezone
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

import crm.models.interaction

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


def move_to_1900(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """In the database alone: of some of these times Python cannot even read a row."""
    interactions = apps.get_model("crm", "Interaction")._default_manager.using(schema_editor.connection.alias)
    too_early = interactions.filter(occurred_at__lt=EARLIEST)
    too_early.update(occurred_at=EARLIEST, updated_at=django.utils.timezone.now())  # which other systems look for


class Migration(migrations.Migration):
    dependencies = [("crm", "0008_worker_heartbeats")]

    operations = [
        migrations.AlterField(
            model_name="interaction",
            name="occurred_at",
            field=models.DateTimeField(
                default=django.utils.timezone.now,
                validators=[crm.models.interaction.not_in_the_future, crm.models.interaction.not_before_1900],
                verbose_name="time",
            ),
        ),
        migrations.RunPython(move_to_1900, migrations.RunPython.noop),
    ]
