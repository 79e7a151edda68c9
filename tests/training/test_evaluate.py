import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from training.__main__ import main
from training.data import load_fer2013
from training.metrics import measure
from training.trained import best_network


def evaluate(csv: Path, *arguments: str) -> int:
    return main(["evaluate", "--data", str(csv), "--cache", str(csv.parent / "cache"), *arguments])


def test_scores_the_best_epoch_of_a_run_on_validation(
    csv: Path, uninterrupted_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(csv, "--run", str(uninterrupted_run), "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["split"] == "validation"
    assert answer["images"] == 14
    log = np.genfromtxt(uninterrupted_run / "log.csv", delimiter=",", names=True)
    assert answer["accuracy"] == pytest.approx(log["val_accuracy"].max(), abs=1e-6)


def test_a_released_model_gets_the_figures_of_its_card(
    csv: Path, release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(csv, "--model", str(release), "--split", "test", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    metrics = json.loads((release / "card.json").read_text())["outputs"]["fer"]["metrics"]["test"]
    assert answer["confusion"] == metrics["confusion"]
    assert answer["accuracy"] == pytest.approx(metrics["accuracy"], abs=1e-4)


def test_the_figures_are_those_of_the_network(
    csv: Path, uninterrupted_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split = load_fer2013(csv, csv.parent / "cache").splits["test"]
    pixels = split.faces.astype(np.float64)
    centred = pixels - pixels.mean(axis=(1, 2), keepdims=True)
    inputs = (centred / centred.std(axis=(1, 2), keepdims=True))[..., np.newaxis]
    predictions = best_network(uninterrupted_run).predict_on_batch(inputs.astype(np.float32))["fer"].argmax(axis=1)

    assert evaluate(csv, "--run", str(uninterrupted_run), "--split", "test", "--json") == 0
    assert json.loads(capsys.readouterr().out)["confusion"] == measure(split.labels, predictions).confusion


def test_prints_a_table_for_people(csv: Path, release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(csv, "--model", str(release)) == 0
    shown = capsys.readouterr().out
    assert "14 images, accuracy" in shown
    assert "Confusion matrix" in shown


def test_an_unknown_model_is_named(csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(csv, "--model", "no-such-model") == 1
    assert "no-such-model" in capsys.readouterr().err


def test_altered_weights_are_refused(
    csv: Path, release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    altered = shutil.copytree(release, tmp_path / "altered")
    weights = bytearray((altered / "model.onnx").read_bytes())
    weights[-1] ^= 1
    (altered / "model.onnx").write_bytes(weights)
    assert evaluate(csv, "--model", str(altered)) == 1
    assert "model.onnx" in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_refused(csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(csv, "--run", str(tmp_path)) == 1
    assert "is no run folder" in capsys.readouterr().err


def test_a_run_without_a_finished_epoch_is_refused(
    csv: Path, uninterrupted_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(uninterrupted_run / "config.json", tmp_path)
    assert evaluate(csv, "--run", str(tmp_path)) == 1
    assert "no epoch of it is finished" in capsys.readouterr().err
