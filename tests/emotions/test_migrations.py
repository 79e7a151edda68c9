"""What the migrations make of the rows of an earlier version."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import QuerySet
from django.utils import timezone

from crm.models import Interaction
from crm.models.interaction import EARLIEST
from emotions.models import SentimentPoint, Snapshot
from tests.factories import EmotionCorrectionFactory, EmotionRecordFactory, ModelVersionFactory, SnapshotFactory

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


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


@pytest.fixture
def before_1900() -> Iterator[None]:
    """A snapshot from a day that Python cannot read in every zone, and another, in tables of before."""
    record = EmotionRecordFactory()
    EmotionRecordFactory()
    migrate(("crm", "0008_worker_heartbeats"), ("emotions", "0012_model_fingerprint"))
    year_1 = datetime(1, 1, 1, tzinfo=UTC)
    Interaction.objects.filter(pk=record.snapshot.interaction_id).update(occurred_at=year_1)
    QuerySet(Snapshot).filter(pk=record.snapshot_id).update(captured_at=year_1)  # ours moves a column of later
    SentimentPoint.objects.filter(pk=record.snapshot_id).update(captured_at=year_1)
    yield
    migrate()


@pytest.fixture
def before_changes() -> Iterator[None]:
    """A finished snapshot and a waiting one, in tables of before."""
    for snapshot in (SnapshotFactory(no_face=True), SnapshotFactory()):
        times = {"created_at": LONG_AGO, "finished_at": snapshot.finished_at and LONG_AGO + timedelta(seconds=1)}
        Snapshot.objects.filter(pk=snapshot.pk).update(**times)
    migrate(("emotions", "0016_another_models_answers"))
    yield
    migrate()


def uuids(model: str) -> set[Any]:
    return set(apps.get_model("emotions", model).objects.values_list("uuid", flat=True))


def test_old_records_and_corrections_get_public_ids(before_public_ids: None) -> None:
    migrate()
    assert len(uuids("EmotionRecord")) == 2
    assert len(uuids("EmotionCorrection")) == 1
    assert {each.version for each in uuids("EmotionRecord")} == {4}


def test_times_before_1900_are_moved_there(before_1900: None) -> None:
    changed = timezone.now()
    migrate()
    moved = Interaction.objects.get(occurred_at=EARLIEST)
    assert moved.updated_at > changed
    assert Interaction.objects.filter(occurred_at__year__gt=2000, updated_at__lt=changed).count() == 1
    for model in (Snapshot, SentimentPoint):
        assert model._default_manager.filter(captured_at=EARLIEST).count() == 1
        assert model._default_manager.filter(captured_at__year__gt=2000).count() == 1


def test_old_answers_get_their_points(before_points: None) -> None:
    migrate()
    assert sorted(SentimentPoint.objects.values_list("emotion", "by_person")) == [
        ("", False),
        ("happy", False),
        ("sad", True),
    ]
    call_command("rebuild_sentiment", "--check")  # raises an error when something differs


def test_old_photos_changed_when_they_were_finished_or_else_made(before_changes: None) -> None:
    migrate()
    changes = Snapshot.objects.order_by("pk").values_list("changed_at", flat=True)
    assert list(changes) == [LONG_AGO + timedelta(seconds=1), LONG_AGO]
