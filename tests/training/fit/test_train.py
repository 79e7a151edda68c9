import json
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from tests.support.training import tiny
from training.__main__ import main
from training.config import RECIPES, Phase
from training.data.fer2013 import load_fer2013
from training.fit.batches import FaceBatches
from training.fit.compiling import compile_model
from training.fit.run_folder import read_record
from training.fit.start import Epoch, Start, load_start
from training.fit.trained import build_network


def test_one_step_lowers_the_loss(csv: Path, tiny_architecture: None) -> None:
    keras.utils.set_random_seed(1)
    config = RECIPES[tiny.ARCHITECTURE]
    split = load_fer2013(csv, csv.parent / "cache").splits["train"]
    network = build_network(config)
    compile_model(network, config, steps=100)
    faces, targets, weights = FaceBatches(split, config, Phase(1, 48, 0.0))[0]
    first = network.train_on_batch(faces, targets, weights, return_dict=True)["loss"]
    assert network.test_on_batch(faces, targets, weights, return_dict=True)["loss"] != first
    assert network.train_on_batch(faces, targets, weights, return_dict=True)["loss"] < first


def test_faces_without_votes_teach_only_fer(csv: Path, tiny_architecture: None) -> None:
    data = load_fer2013(csv, csv.parent / "cache", csv.parent / "votes.csv")
    votes = data.splits["train"].votes
    assert votes is not None
    votes.counts[0] = 0
    _, targets, weights = FaceBatches(data.splits["train"], RECIPES[tiny.POOLED])[0]
    assert weights["ferplus"].tolist() == [0.0] + [1.0] * (len(weights["ferplus"]) - 1)
    assert weights["fer"].all()
    assert targets["ferplus"][0].sum() == 0


def test_both_labellings_are_in_the_log(run_of_both: Path) -> None:
    header = (run_of_both / "log.csv").read_text().splitlines()[0].split(",")
    assert {"accuracy", "val_accuracy", "ferplus_accuracy", "val_ferplus_accuracy"} <= set(header)


def test_missing_votes_are_asked_for(
    csv: Path, tiny_architecture: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = tiny.train_both_arguments(csv, tmp_path / "run")
    votes = arguments.index("--votes")
    assert main(arguments[:votes] + arguments[votes + 2 :]) == 1
    assert "name the fer2013new.csv with --votes" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("option", "compiled"), [("--jit-compile", True), ("--no-jit-compile", False)])
def test_options_change_the_recipe(
    csv: Path, tiny_architecture: None, tmp_path: Path, option: str, compiled: bool
) -> None:
    arguments = tiny.train_arguments(csv, tmp_path / "run", epochs=1)
    assert main([*arguments, "--mixup", "0.4", option, "--augmentation", "none"]) == 0
    config = read_record(tmp_path / "run").config
    assert (config.mixup, config.jit_compile, config.augmentation) == (0.4, compiled, "none")
    network = build_network(config)
    compile_model(network, config, steps=1)
    assert network.jit_compile is compiled


def test_training_begins_with_the_weights_of_a_release_or_a_run(
    csv: Path, release: Path, uninterrupted_run: Path, tmp_path: Path
) -> None:
    for start in (release, uninterrupted_run):
        run = tmp_path / start.name
        # With such a small rate the weights stay as they were.
        slowly = [*tiny.train_arguments(csv, run, epochs=1), "--learning-rate", "1e-9", "--from", str(start)]
        assert main(slowly) == 0
        file = start / ("network.keras" if start == release else "best.keras")
        began, ended = (keras.models.load_model(each, compile=False) for each in (file, run / "best.keras"))
        np.testing.assert_allclose(
            ended.trainable_variables[0].numpy(), began.trainable_variables[0].numpy(), atol=1e-6
        )
        assert len(json.loads((run / "config.json").read_text())["started_from"]) == 64


@pytest.mark.parametrize("epoch", ["best", "latest"])
def test_the_epoch_that_a_training_begins_with_is_printed_and_can_be_chosen(
    csv: Path, run_of_both: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], epoch: Epoch
) -> None:
    start = shutil.copytree(run_of_both, tmp_path / "start")
    log = pd.read_csv(start / "log.csv")
    log["val_accuracy"] = [0.1, 0.9, 0.1, 0.1]  # so that the best is not the latest
    log.to_csv(start / "log.csv", index=False)
    slowly = [*tiny.train_both_arguments(csv, tmp_path / "run", epochs=1)[:-1], "1e-9"]
    assert main([*slowly, "--from", str(start), "--from-epoch", epoch]) == 0
    source = {"best": "epoch 2 of {}, its best of 4; --from-epoch latest takes epoch 4", "latest": "epoch 4 of {}"}[
        epoch
    ]
    assert f"It begins with the weights of {source.format(start)}" in capsys.readouterr().out
    began = load_start(Start(start, epoch)).network.trainable_variables[0].numpy()
    ended = keras.models.load_model(tmp_path / "run" / "best.keras", compile=False).trainable_variables[0].numpy()
    np.testing.assert_allclose(ended, began, atol=1e-6)


def test_the_latest_epoch_is_that_of_a_run(
    csv: Path, release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = tiny.train_arguments(csv, tmp_path / "run")
    assert main([*arguments, "--from", str(release), "--from-epoch", "latest"]) == 1
    assert "has no backup/latest.keras" in capsys.readouterr().err
    assert main([*arguments, "--from-epoch", "latest"]) == 1
    assert "--from-epoch goes with --from" in capsys.readouterr().err


def test_weights_of_another_architecture_are_refused(
    csv: Path, release_of_both: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main([*tiny.train_arguments(csv, run), "--from", str(release_of_both)]) == 1
    shown = capsys.readouterr().err
    assert "holds the network 'tiny-pooled' with fer and ferplus, not 'tiny' with fer: its weights do not fit" in shown
    assert not run.exists()


@pytest.mark.parametrize("start", ["", "damaged"])
def test_a_start_without_weights_is_refused(
    csv: Path, tiny_architecture: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], start: str
) -> None:
    (tmp_path / "start").mkdir()
    if start == "damaged":
        (tmp_path / "start" / "network.keras").write_bytes(b"no archive")
    assert main([*tiny.train_arguments(csv, tmp_path / "run"), "--from", str(tmp_path / "start")]) == 1
    assert ("is damaged" if start else "has neither network.keras nor best.keras") in capsys.readouterr().err


def test_a_folder_of_images_can_be_learnt(csv: Path, tiny_architecture: None, tmp_path: Path) -> None:
    from PIL import Image

    for split_name, split in load_fer2013(csv, csv.parent / "cache").splits.items():
        for index, face in enumerate(split.faces):
            label = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"][split.labels[index]]
            file = tmp_path / "images" / split_name / label / f"{index}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(face).save(file)
    arguments = tiny.train_arguments(tmp_path / "images", tmp_path / "run", epochs=1)
    assert main(arguments) == 0
    assert (tmp_path / "run" / "best.keras").exists()


@pytest.mark.parametrize("file", ["best.keras", "backup/latest.keras"])
def test_a_full_disk_keeps_the_epochs_before(csv: Path, tiny_architecture: None, tmp_path: Path, file: str) -> None:
    """In a process of its own: what the full disk leaves open may end it only as it exits."""
    run = tmp_path / "run"
    program = [sys.executable, "-m", "tests.support.training.full_disk_run", str(csv), str(run), file]
    full = subprocess.run(program, capture_output=True, text=True)
    assert full.returncode == 1, full.stderr
    assert f"{file} cannot be written" in full.stderr
    assert "The epochs before this one are kept" in full.stderr
    assert not list(run.rglob("partial-*"))
    assert pd.read_csv(run / "log.csv")["epoch"].tolist() == ([0] if file == "best.keras" else [0, 1])

    assert main(tiny.train_arguments(csv, run)) == 0
    assert (run / "log.csv").read_text().count("\n") == 1 + tiny.EPOCHS
