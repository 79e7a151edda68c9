"""Test machines that share no disk: photos are in a bucket, and each machine has its own model files."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from pytest_django import Settings

from emotions.model_management.services import activate
from emotions.models import EmotionRecord, Snapshot
from emotions.uploads.services import add_snapshots
from ml.registry import load_card
from tests.support.accounting import statuses
from tests.support.bucket import Bucket
from tests.support.deployment import Deployment, Program
from tests.support.factories import InteractionFactory, UserFactory, uploaded_photo
from tests.support.small_model import small_classifier, write_model
from tests.support.waiting import wait_until

PHOTOS = 30


def host(deployment: Deployment, models: Path, name: str) -> Program:
    """Start a worker as if on a machine of its own."""
    folder = deployment.folder / name
    shutil.copytree(models, folder / "models")
    own = {"VAR_DIR": str(folder / "var"), "MEDIA_ROOT": str(folder / "none"), "MODELS_DIR": str(folder / "models")}
    worker = deployment.worker(1, name, **own)
    wait_until(lambda: "ready." in worker.log.read_text(), f"{name} is ready")
    return worker


def upload_and_wait() -> None:
    add_snapshots(InteractionFactory(), [uploaded_photo(number) for number in range(PHOTOS)])
    wait_until(lambda: set(statuses()) == {Snapshot.Status.ANALYSED}, "all are analysed")


def done(worker: Program) -> int:
    return worker.log.read_text().count("analyse_snapshot")


@pytest.mark.parametrize("broker", ["redis"], indirect=True)
def test_two_hosts_share_the_work_and_follow_a_change_of_the_model(
    deployment: Deployment, bucket: Bucket, model_folder: Path, settings: Settings, tmp_path: Path
) -> None:
    settings.MODELS_DIR = shutil.copytree(model_folder, tmp_path / "models")
    write_model(settings.MODELS_DIR / "other", small_classifier(scale=0.03))
    hosts = [host(deployment, settings.MODELS_DIR, name) for name in ("one", "two")]
    upload_and_wait()
    before = [done(worker) for worker in hosts]
    assert min(before) > 0
    activate("other", load_card("other", settings.MODELS_DIR).fingerprint, UserFactory())
    upload_and_wait()
    assert all(done(worker) > earlier for worker, earlier in zip(hosts, before, strict=True))
    shas = Counter(EmotionRecord.objects.values_list("model_version__sha256", flat=True))
    assert sorted(shas.values()) == [PHOTOS, PHOTOS]
    assert set(Snapshot.objects.values_list("attempts", flat=True)) == {1}
    assert len(bucket.names()) == 2 * PHOTOS
    assert not any((deployment.folder / name / "none").exists() for name in ("one", "two"))
