"""Test that real workers follow a change of the model, and re-analyse photos only after new ones."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from pytest_django import Settings

from emotions.model_management.services import activate
from emotions.models import EmotionRecord, Reanalysis, Snapshot
from emotions.reanalyses.services import reanalyse_everything, stop
from emotions.uploads.services import add_snapshot
from ml.registry import load_card
from tests.support.accounting import statuses
from tests.support.deployment import Deployment
from tests.support.factories import InteractionFactory, SnapshotFactory, UserFactory, uploaded_bytes, uploaded_photo
from tests.support.small_model import small_classifier, write_model
from tests.support.waiting import wait_until

on_redis = pytest.mark.parametrize("broker", ["redis"], indirect=True)


@pytest.fixture
def models(tmp_path: Path, model_folder: Path, deployment: Deployment, settings: Settings) -> Path:
    """Return the small model, and another one that may be activated."""
    models = shutil.copytree(model_folder, tmp_path / "models")
    write_model(models / "other", small_classifier(scale=0.03))
    settings.MODELS_DIR = models
    deployment.environment["MODELS_DIR"] = str(models)
    return models


def activated(models: Path, folder: str = "other") -> None:
    activate(folder, load_card(folder, models).fingerprint, UserFactory())


def upload(count: int = 1) -> None:
    interaction = InteractionFactory()
    for number in range(count):
        add_snapshot(interaction, uploaded_photo(number))


def wait_for_photos() -> None:
    wait_until(lambda: set(statuses()) == {"analysed"}, "every photo is analysed")


def archive(count: int) -> list[Snapshot]:
    """Create photos that an earlier model analysed."""
    return [SnapshotFactory(analysed=True, photo=uploaded_bytes(f"old {number}")) for number in range(count)]


def again() -> Reanalysis:
    return reanalyse_everything(UserFactory(), only_missing=True)


def state(run: Reanalysis) -> Reanalysis:
    return Reanalysis.objects.get(pk=run.pk)


def wait_for_the_end(run: Reanalysis) -> Reanalysis:
    wait_until(lambda: not state(run).is_unfinished, "the run ends")
    return state(run)


class Pipe:
    """A photo that holds its worker until the test lets it go on."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.path = Path(snapshot.file.path)
        self.path.unlink()
        os.mkfifo(self.path)

    def let_go_on(self) -> None:
        with self.path.open("wb") as other_end:
            self.mend()
            other_end.write(uploaded_bytes())

    def mend(self) -> None:
        whole = self.path.with_suffix(".whole")
        whole.write_bytes(uploaded_bytes())
        whole.rename(self.path)


def test_workers_follow_an_activation_without_a_restart(deployment: Deployment, models: Path) -> None:
    worker = deployment.worker(processes=2)
    upload(2)
    wait_for_photos()
    activated(models)
    upload(2)
    wait_for_photos()
    names = EmotionRecord.objects.order_by("pk").values_list("model_version__name", "snapshot__model_version__name")
    assert list(names) == [("reference-cnn", "reference-cnn")] * 2 + [("other", "other")] * 2
    assert "Traceback" not in worker.log.read_text()


@on_redis
def test_a_worker_starts_and_waits_when_the_activated_model_is_gone(deployment: Deployment, models: Path) -> None:
    activated(models)
    (models / "other" / "model.onnx").unlink()
    worker = deployment.worker()
    deployment.beat()
    upload()
    wait_until(lambda: "Photos wait. The model file" in worker.log.read_text(), "the worker says so")
    assert statuses() == ["pending"]
    activated(models, "reference-cnn")
    wait_for_photos()


def test_the_archive_is_analysed_again_in_the_background(deployment: Deployment, models: Path) -> None:
    archive(12)
    activated(models)
    run = again()
    deployment.worker(processes=2)
    ended = wait_for_the_end(run)
    assert (ended.status, ended.total, ended.done, ended.failed) == ("done", 12, 12, 0)
    assert set(Snapshot.objects.values_list("model_version__name", flat=True)) == {"other"}
    assert EmotionRecord.objects.count() == 24


def test_a_new_photo_overtakes_the_archive(deployment: Deployment, models: Path) -> None:
    pipe = Pipe(archive(10)[2])
    activated(models)
    run = again()
    deployment.worker(ANALYSIS_TIME_LIMIT="40", ANALYSIS_LEASE="50")
    wait_until(lambda: state(run).done == 2 and state(run).attempts == 1, "the worker is at the third photo")
    upload()
    pipe.let_go_on()
    ended = wait_for_the_end(run)
    new = Snapshot.objects.order_by("-pk")[0]
    order = list(EmotionRecord.objects.filter(model_version__name="other").order_by("pk").values_list("snapshot"))
    assert order.index((new.pk,)) == 3  # after the photos that had begun, and before all others
    assert (ended.status, ended.done) == ("done", 10)


@pytest.mark.parametrize("whole", [False, True], ids=["child", "whole"])
def test_a_worker_killed_in_the_middle_of_a_run_loses_nothing(
    deployment: Deployment, models: Path, whole: bool
) -> None:
    pipe = Pipe(archive(4)[1])
    activated(models)
    run = again()
    worker = deployment.worker()
    deployment.beat()
    wait_until(lambda: state(run).done == 1 and state(run).attempts == 1, "the worker is at the second photo")
    if whole:
        worker.kill()
    else:
        os.kill(worker.children()[0], signal.SIGKILL)
    pipe.mend()
    if whole:
        deployment.worker()
    ended = wait_for_the_end(run)
    assert (ended.status, ended.done, ended.failed) == ("done", 4, 0)
    assert EmotionRecord.objects.filter(model_version__name="other").count() == 4


@on_redis
def test_a_photo_that_breaks_every_worker_does_not_hold_up_the_run(deployment: Deployment, models: Path) -> None:
    Pipe(archive(3)[0])
    activated(models)
    run = again()
    deployment.worker(ANALYSIS_MAX_ATTEMPTS="1")
    deployment.beat()
    ended = wait_for_the_end(run)
    assert (ended.status, ended.done, ended.failed) == ("done", 2, 1)
    assert statuses() == ["analysed"] * 3


def test_the_stop_button_ends_a_run_at_once(deployment: Deployment, models: Path) -> None:
    pipe = Pipe(archive(4)[2])
    activated(models)
    run = again()
    worker = deployment.worker(ANALYSIS_TIME_LIMIT="40", ANALYSIS_LEASE="50")
    wait_until(lambda: state(run).done == 2 and state(run).attempts == 1, "the worker is at the third photo")
    assert stop(run)
    pipe.let_go_on()
    wait_until(lambda: "succeeded" in worker.log.read_text(), "the worker has left the run")
    assert (state(run).status, state(run).done) == ("cancelled", 2)
    assert EmotionRecord.objects.filter(model_version__name="other").count() == 2
    upload()
    wait_for_photos()
