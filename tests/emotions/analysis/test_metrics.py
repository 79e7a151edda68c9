"""Test the counts of analyses. tests/integration/test_metrics.py tests what Prometheus reads from real processes."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from prometheus_client import REGISTRY

from emotions.models import Snapshot
from jobs.tasks import sweep
from tests.support.analysing import analyse
from tests.support.factories import CustomerFactory, SnapshotFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("released_model")]


def counted(result: str, model: str = "reference-cnn", version: str = "1") -> float:
    labels = {"result": result, "model": model, "version": version}
    return REGISTRY.get_sample_value("rapport_analyses_total", labels) or 0.0


def without_file() -> Snapshot:
    snapshot: Snapshot = SnapshotFactory()
    Path(snapshot.file.path).unlink()
    return snapshot


def without_consent() -> Snapshot:
    snapshot: Snapshot = SnapshotFactory(interaction__customer=CustomerFactory(consenting=False))
    return snapshot


def faceless() -> Snapshot:
    snapshot: Snapshot = SnapshotFactory(no_face=True)
    snapshot.reset_to_pending()
    snapshot.save()
    return snapshot


@pytest.mark.parametrize(
    ("make", "result"),
    [
        (SnapshotFactory, "analysed"),
        (faceless, "no_face"),
        (lambda: SnapshotFactory(photo=b"no picture", width=1, height=1), "failed"),
        (without_consent, "withheld"),
        (without_file, "retried"),
    ],
    ids=["analysed", "no_face", "failed", "withheld", "retried"],
)
def test_each_attempt_is_counted_by_how_it_ended(make: Callable[[], Snapshot], result: str) -> None:
    before = counted(result)
    analyse(make().pk)
    assert counted(result) == before + 1


def test_photos_that_break_their_workers_are_counted_without_a_model() -> None:
    Snapshot.objects.filter(pk=SnapshotFactory(attempts=3).pk).update(
        status="analysing", claim_token="0" * 32, claim_expires_at=timezone.now() - timedelta(seconds=1)
    )
    before = counted("failed", "", "")
    sweep()
    assert counted("failed", "", "") == before + 1
