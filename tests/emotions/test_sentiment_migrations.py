"""What the migrations make of the rows of an earlier version."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from emotions.models import SentimentPoint
from tests.factories import EmotionCorrectionFactory, EmotionRecordFactory, ModelVersionFactory, SnapshotFactory

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(*targets: tuple[str, str]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets or executor.loader.graph.leaf_nodes()))


@pytest.fixture
def before_public_ids() -> Iterator[None]:
    """Two records, one of them corrected, in tables as they were before the API."""
    EmotionCorrectionFactory(record=EmotionRecordFactory(face_index=0))
    EmotionRecordFactory(face_index=0)
    migrate(("emotions", "0005_corrections_that_stand"))
    yield
    migrate()


@pytest.fixture
def before_points() -> Iterator[None]:
    """A record that counts, one on which a person's word stands, an uncertain one, and a bystander's."""
    EmotionRecordFactory(face_index=1, snapshot=EmotionRecordFactory().snapshot)
    EmotionCorrectionFactory()
    doubtful = ModelVersionFactory(name="doubtful", uncertain_below=0.9)
    EmotionRecordFactory(snapshot=SnapshotFactory(finished="analysed", model_version=doubtful))
    migrate(("emotions", "0006_public_ids"))
    yield
    migrate()


def uuids(model: str) -> set[Any]:
    return set(apps.get_model("emotions", model).objects.values_list("uuid", flat=True))


def test_old_records_and_corrections_get_public_ids(before_public_ids: None) -> None:
    migrate()
    assert len(uuids("EmotionRecord")) == 2
    assert len(uuids("EmotionCorrection")) == 1
    assert {each.version for each in uuids("EmotionRecord")} == {4}


def test_old_answers_get_their_points(before_points: None) -> None:
    migrate()
    assert sorted(SentimentPoint.objects.values_list("emotion", "by_person")) == [
        ("", False),
        ("happy", False),
        ("sad", True),
    ]
    call_command("rebuild_sentiment", "--check")  # raises an error when something differs
