from __future__ import annotations

import hashlib
from uuid import UUID

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import F, Value
from django.db.models.functions import Concat

BATCH = 1000


def say_whom_messages_are_about(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    messages = apps.get_model("crm", "WebhookMessage")._default_manager.using(schema_editor.connection.alias)
    last = 0
    while batch := list(messages.filter(pk__gt=last).order_by("pk")[:BATCH]):
        last = batch[-1].pk
        about = [each for each in batch if "customer" in each.payload["data"]]
        for each in about:
            each.customer_uuid = UUID(each.payload["data"]["customer"]["id"])
        messages.bulk_update(about, ["customer_uuid"])


def hash_idempotency_keys(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    requests = apps.get_model("crm", "IdempotentRequest")._default_manager.using(schema_editor.connection.alias)
    for pk, key in requests.values_list("pk", "key").iterator():
        requests.filter(pk=pk).update(key=hashlib.sha256(key.encode()).hexdigest())


def take_names_from_the_admin_log(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    entries = apps.get_model("admin", "LogEntry")._default_manager.using(schema_editor.connection.alias)
    of_customers = entries.filter(content_type__app_label="crm", content_type__model="customer")
    of_customers.update(object_repr=Concat(Value("Customer "), F("object_id")))


class Migration(migrations.Migration):
    dependencies = [
        ("crm", "0013_search_index_folded"),
        ("admin", "0003_logentry_add_action_flag_choices"),
    ]

    operations = [
        migrations.AddField(
            model_name="webhookmessage",
            name="customer_uuid",
            field=models.UUIDField(
                db_index=True, editable=False, help_text="Empty: a test.", null=True, verbose_name="customer"
            ),
        ),
        migrations.RunPython(say_whom_messages_are_about, migrations.RunPython.noop),
        migrations.RunPython(hash_idempotency_keys, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="idempotentrequest",
            name="key",
            field=models.CharField(
                help_text="SHA-256 of what the client chose, which may name somebody.", max_length=64
            ),
        ),
        migrations.CreateModel(
            name="AnswerSubject",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(db_index=True)),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="subjects",
                        to="crm.idempotentrequest",
                    ),
                ),
            ],
        ),
        migrations.RunPython(take_names_from_the_admin_log, migrations.RunPython.noop),
    ]
