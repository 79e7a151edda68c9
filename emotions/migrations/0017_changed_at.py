from django.db import migrations, models
from django.db.models.functions import Coalesce, Now


def begin_with_the_end(apps, schema_editor):
    """Of photos from before it was kept, the last change that is known is their end, or else their beginning."""
    snapshots = apps.get_model("emotions", "Snapshot").objects
    snapshots.update(changed_at=Coalesce("finished_at", "created_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("emotions", "0016_another_models_answers"),
    ]

    operations = [
        migrations.AddField(
            model_name="snapshot",
            name="changed_at",
            field=models.DateTimeField(
                auto_now=True,
                db_default=Now(),
                help_text="When anything last changed that is shown of the photo: its state, its results, what people say.",
            ),
        ),
        migrations.RunPython(begin_with_the_end, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="snapshot",
            index=models.Index(fields=["changed_at", "id"], name="snapshot_by_change"),
        ),
    ]
