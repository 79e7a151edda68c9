from collections.abc import Iterator
from itertools import islice
from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import F

from ml.labels import VALENCE

BATCH = 2_000


def fill(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """As `rebuild_sentiment` does for this version of the tables."""
    points = apps.get_model("emotions", "SentimentPoint")._default_manager.using(schema_editor.connection.alias)
    standing = standing_points(apps, schema_editor.connection.alias)
    while batch := list(islice(standing, BATCH)):
        points.bulk_create(batch)


def standing_points(apps: StateApps, database: str) -> Iterator[Any]:
    point = apps.get_model("emotions", "SentimentPoint")
    records = apps.get_model("emotions", "EmotionRecord")._default_manager.using(database)
    counted = records.filter(is_subject=True, model_version=F("snapshot__model_version")).values_list(
        "snapshot",
        "snapshot__interaction__customer",
        "snapshot__captured_at",
        "correction__emotion",
        "dominant_emotion",
        "confidence",
        "model_version__uncertain_below",
        "valence",
    )
    for snapshot, customer, captured_at, said, seen, confidence, uncertain_below, valence in counted.iterator(BATCH):
        yield point(
            snapshot_id=snapshot,
            customer_id=customer,
            captured_at=captured_at,
            emotion=said or (seen if confidence >= uncertain_below else ""),
            by_person=bool(said),
            valence=VALENCE[said] if said else valence,
        )


class Migration(migrations.Migration):
    dependencies = [("emotions", "0006_public_ids")]

    operations = [
        migrations.CreateModel(
            name="SentimentPoint",
            fields=[
                (
                    "snapshot",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="sentiment_point",
                        serialize=False,
                        to="emotions.snapshot",
                    ),
                ),
                ("captured_at", models.DateTimeField(help_text="When the shutter fell.")),
                (
                    "emotion",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("angry", "angry"),
                            ("disgust", "disgust"),
                            ("fear", "fear"),
                            ("happy", "happy"),
                            ("sad", "sad"),
                            ("surprise", "surprise"),
                            ("neutral", "neutral"),
                        ],
                        help_text="Empty: the model is uncertain, and nobody has said anything.",
                        max_length=10,
                    ),
                ),
                ("by_person", models.BooleanField(help_text="Whether a person said so.")),
                ("valence", models.FloatField(help_text="-1..1, from unpleasant to pleasant.")),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sentiment_points",
                        to="crm.customer",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["captured_at", "customer", "emotion", "by_person", "valence"], name="sentiment_in_time"
                    ),
                    models.Index(
                        fields=["customer", "captured_at", "emotion", "by_person", "valence"],
                        name="sentiment_of_customer",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("emotion__in", ["", "angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"])
                        ),
                        name="sentiment_emotion_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("valence__range", (-1, 1))), name="sentiment_valence_between_minus_1_and_1"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("by_person", True), ("emotion", ""), _negated=True),
                        name="sentiment_of_a_person_is_certain",
                    ),
                ],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
