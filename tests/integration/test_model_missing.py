"""Test a worker without its model: it says so and ends, and everything else goes on."""

import hashlib
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from emotions.status.services import analysis_problem
from emotions.uploads.services import add_snapshot
from tests.support.accounting import statuses
from tests.support.deployment import Deployment
from tests.support.factories import InteractionFactory, uploaded_photo
from tests.support.waiting import wait_until

pytestmark = pytest.mark.parametrize("broker", ["files"], indirect=True)


def remove(folder: Path) -> None:
    shutil.rmtree(folder)


def alter(folder: Path) -> None:
    with (folder / "model.onnx").open("ab") as weights:
        weights.write(b"!")


def remove_card(folder: Path) -> None:
    (folder / "card.json").unlink()


@pytest.fixture
def models(tmp_path: Path, model_folder: Path, deployment: Deployment) -> Path:
    """Return a copy of the models that the test may damage."""
    copy = shutil.copytree(model_folder, tmp_path / "models")
    deployment.environment["MODELS_DIR"] = str(copy)
    return copy


@pytest.mark.parametrize(("damage", "file"), [(remove, "card.json"), (remove_card, "card.json"), (alter, "model.onnx")])
def test_the_worker_ends_with_a_sentence(
    deployment: Deployment, models: Path, settings: Settings, damage: Callable[[Path], None], file: str
) -> None:
    damage(models / "reference-cnn")
    worker = deployment.worker()
    wait_until(lambda: worker.status is not None, "the worker ends")
    said = worker.log.read_text().splitlines()[-1]
    assert worker.status == 1
    assert said.startswith("The worker cannot start. The model ")
    assert str(models / "reference-cnn" / file) in said
    assert "Restore it" in said
    assert "Traceback" not in worker.log.read_text()
    settings.MODELS_DIR = models
    assert said.endswith(analysis_problem())


@pytest.mark.parametrize(("sum_of", "said"), [(b"", "cannot be read"), (b"another", "is not the file that was named")])
def test_the_worker_ends_when_the_named_detector_is_not_there(
    deployment: Deployment, models: Path, tmp_path: Path, sum_of: bytes, said: str
) -> None:
    file = tmp_path / "yunet.onnx"
    if sum_of:
        file.write_bytes(b"a model")
    deployment.environment |= {
        "FACE_DETECTOR_MODEL": str(file),
        "FACE_DETECTOR_SHA256": hashlib.sha256(sum_of).hexdigest(),
    }
    worker = deployment.worker()
    wait_until(lambda: worker.status is not None, "the worker ends")
    assert worker.status == 1
    assert (
        worker.log.read_text().splitlines()[-1].startswith(f"The worker cannot start. The face detector {file} {said}")
    )


def test_the_web_goes_on_and_photos_wait_for_the_model(deployment: Deployment, models: Path) -> None:
    hidden = models / "reference-cnn"
    hidden.rename(models / "elsewhere")
    site = deployment.web(DEBUG="true")
    urllib.request.urlopen(f"{site}/admin/login/").close()  # noqa: S310 - raises what is not 200
    add_snapshot(InteractionFactory(), uploaded_photo())
    (models / "elsewhere").rename(hidden)
    deployment.worker()
    wait_until(lambda: statuses() == ["analysed"], "the snapshot is analysed")
