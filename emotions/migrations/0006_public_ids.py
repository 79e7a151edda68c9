import uuid
from typing import Any

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

MODELS = ("emotionrecord", "emotioncorrection")


class RandomUUID(models.Func):
    """A new one for each row, made by the database, of version 4 (RFC 9562)."""

    function = "gen_random_uuid"
    arity = 0
    output_field = models.UUIDField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        parts = ("hex(randomblob(6))", "'4'", "substr(hex(randomblob(2)), 2)", "'A'", "substr(hex(randomblob(8)), 2)")
        return f"lower({' || '.join(parts)})", ()


def fill(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for model in MODELS:
        rows = apps.get_model("emotions", model)._default_manager.using(schema_editor.connection.alias)
        rows.update(uuid=RandomUUID())


def field(**options: Any) -> models.UUIDField:
    return models.UUIDField("public ID", default=uuid.uuid4, editable=False, **options)


class Migration(migrations.Migration):
    """In one transaction: an installation has all of them or, after an error, none."""

    dependencies = [("emotions", "0005_corrections_that_stand")]

    operations = [
        *(migrations.AddField(model, "uuid", field(null=True)) for model in MODELS),
        migrations.RunPython(fill, migrations.RunPython.noop),
        *(migrations.AlterField(model, "uuid", field(unique=True)) for model in MODELS),
    ]
