from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import OuterRef, Subquery


def fill(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Each snapshot's customer is its interaction's."""
    database = schema_editor.connection.alias
    interactions = apps.get_model("crm", "Interaction")._default_manager.using(database)
    of_snapshot = interactions.filter(pk=OuterRef("interaction")).values("customer")
    apps.get_model("emotions", "Snapshot")._default_manager.using(database).update(customer=Subquery(of_snapshot))


def customer(**options: Any) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(
        "crm.customer", django.db.models.deletion.CASCADE, editable=False, related_name="snapshots", **options
    )


class Migration(migrations.Migration):
    """In one transaction: an installation has all of it or, after an error, nothing.

    The constraint comes last, as PostgreSQL alters no table whose rows it has yet to check.
    """

    dependencies = [("crm", "0006_search_index"), ("emotions", "0009_api_orders")]

    operations = [
        migrations.AddField("snapshot", "customer", customer(null=True, db_index=False, db_constraint=False)),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField("snapshot", "customer", customer(db_index=False)),
        migrations.AddIndex(
            "snapshot", models.Index(fields=["customer", "captured_at", "id"], name="snapshot_of_customer")
        ),
    ]
