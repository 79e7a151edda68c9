"""A training that is interrupted anywhere ends as if it had not been."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import keras
import numpy as np
import pandas as pd
import pytest

from ml.types import FaceInputs
from tests.support.training import tiny
from training.__main__ import main
from training.config import RECIPES, Phase
from training.data.fer2013 import load_fer2013
from training.fit.batches import FaceBatches, Targets, Weights
from training.fit.compiling import compile_model
from training.fit.recorder import RunRecorder, load_state
from training.fit.run_folder import describe_commit
from training.fit.trained import build_network


def assert_same_run(run: Path, uninterrupted: Path) -> None:
    """The same log, each epoch once, and the same best network: so also the same order and learning rates."""
    log = pd.read_csv(run / "log.csv")
    assert log["epoch"].tolist() == list(range(tiny.EPOCHS))
    pd.testing.assert_frame_equal(log, pd.read_csv(uninterrupted / "log.csv"), rtol=1e-3)
    assert_same_weights(run, uninterrupted)


def assert_same_weights(run: Path, uninterrupted: Path) -> None:
    for file in ("best.keras", "backup/latest.keras"):
        for weights, expected in zip(weights_in(run / file), weights_in(uninterrupted / file), strict=True):
            np.testing.assert_allclose(weights, expected, atol=1e-4)


def weights_in(file: Path) -> list[np.ndarray]:
    return cast("list[np.ndarray]", keras.models.load_model(file, compile=False).get_weights())


def test_a_killed_training_goes_on(csv: Path, uninterrupted_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    killed = subprocess.run(
        [sys.executable, "-m", "tests.support.training.killed_run", str(csv), str(run)], capture_output=True, text=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert pd.read_csv(run / "log.csv")["epoch"].tolist() == [0, 1]

    assert main(tiny.train_arguments(csv, run)) == 0
    assert_same_run(run, uninterrupted_run)


@pytest.mark.parametrize("file", ["best.keras", "log.csv", "curves.png", "backup/latest.keras"])
def test_stopping_while_an_epoch_is_written_loses_at_most_this_epoch(
    csv: Path,
    uninterrupted_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    file: str,
) -> None:
    replace = RunRecorder._replace

    def replace_or_stop(recorder: RunRecorder, name: str, write: Callable[[Path], object]) -> None:
        if name == file and (file == "best.keras" or len(recorder.log) == 2):
            (recorder.run / name).parent.mkdir(exist_ok=True)
            (recorder.run / name).with_name(f"partial-{Path(name).name}").write_bytes(b"half")
            raise KeyboardInterrupt
        replace(recorder, name, write)

    run = tmp_path / "run"
    with monkeypatch.context() as patched:
        patched.setattr(RunRecorder, "_replace", replace_or_stop)
        assert main(tiny.train_arguments(csv, run)) == 130
    assert "The same command goes on" in capsys.readouterr().err

    assert main(tiny.train_arguments(csv, run)) == 0
    assert_same_run(run, uninterrupted_run)


def test_a_finished_training_says_so_and_trains_no_more(
    csv: Path, uninterrupted_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (uninterrupted_run / "log.csv").read_bytes()
    monkeypatch.setattr(FaceBatches, "__getitem__", lambda batches, index: pytest.fail("trained again"))
    assert main(tiny.train_arguments(csv, uninterrupted_run)) == 0
    assert "is finished: 4 epochs, the best was epoch" in capsys.readouterr().out
    assert (uninterrupted_run / "log.csv").read_bytes() == before


def test_the_best_epoch_is_kept_not_the_last(
    csv: Path, tiny_architecture: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accuracies = iter([0.5, 0.75, 0.25])
    record = RunRecorder.on_epoch_end
    saved = []

    def record_made_up_accuracy(recorder: RunRecorder, epoch: int, logs: dict[str, float]) -> None:
        record(recorder, epoch, logs | {"val_accuracy": next(accuracies)})
        saved.append([weights.copy() for weights in recorder.model.get_weights()])

    monkeypatch.setattr(RunRecorder, "on_epoch_end", record_made_up_accuracy)
    assert main(tiny.train_arguments(csv, tmp_path / "run", epochs=3)) == 0
    for weights, expected in zip(weights_in(tmp_path / "run" / "best.keras"), saved[1], strict=True):
        np.testing.assert_array_equal(weights, expected)


def test_a_run_of_other_settings_is_not_continued(
    csv: Path, uninterrupted_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(tiny.train_arguments(csv, uninterrupted_run, epochs=9)) == 1
    assert "other settings or data" in capsys.readouterr().err


def test_a_run_on_other_data_is_not_continued(
    csv: Path, uninterrupted_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Path(shutil.copy(csv, tmp_path / "other.csv"))
    other.write_text(csv.read_text() + csv.read_text().splitlines()[-1] + "\n")
    assert main(tiny.train_arguments(other, uninterrupted_run)) == 1
    assert "other settings or data" in capsys.readouterr().err


def test_a_run_keeps_what_it_was_made_from(uninterrupted_run: Path) -> None:
    record = json.loads((uninterrupted_run / "config.json").read_text())
    assert {"seed", "commit", "data_sha256", "backend", "keras", "preprocessing"} <= record.keys()
    assert (uninterrupted_run / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_the_commit_is_that_of_the_code_wherever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRAINING_COMMIT", raising=False)
    assert describe_commit() == "unknown" or re.fullmatch(r"[0-9a-f]{40}(-dirty)?", describe_commit())
    monkeypatch.setenv("TRAINING_COMMIT", "0123abc")
    assert describe_commit() == "0123abc"


def test_a_killed_training_of_both_labellings_goes_on_in_its_second_phase(
    csv: Path, run_of_both: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    killed = subprocess.run(
        [sys.executable, "-m", "tests.support.training.killed_run", str(csv), str(run), "both"],
        capture_output=True,
        text=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert pd.read_csv(run / "log.csv")["epoch"].tolist() == [0, 1]

    assert main(tiny.train_both_arguments(csv, run)) == 0
    assert_same_run(run, run_of_both)


def test_the_averaged_weights_are_kept_as_the_best_and_training_goes_on_from_the_others(
    csv: Path, tiny_architecture: None, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert main(tiny.train_both_arguments(csv, run, epochs=1)) == 0
    best, latest = (weights_in(run / file) for file in ("best.keras", "backup/latest.keras"))
    trained = [not np.array_equal(averaged, last) for averaged, last in zip(best, latest, strict=True)]
    assert any(trained)
    assert [weights.shape for weights in best] == [weights.shape for weights in latest]


@pytest.mark.parametrize("recipe", [tiny.ARCHITECTURE, tiny.POOLED])  # the second averages its weights
def test_the_latest_state_is_all_of_the_model_and_its_optimizer(
    csv: Path, tiny_architecture: None, tmp_path: Path, recipe: str
) -> None:
    config = RECIPES[recipe]
    data = load_fer2013(csv, csv.parent / "cache", csv.parent / "votes.csv").splits["train"]
    keras.utils.set_random_seed(1)
    trained, restored = build_network(config), build_network(config)
    for network in (trained, restored):
        compile_model(network, config, steps=100)
    for _ in range(3):
        trained.train_on_batch(*FaceBatches(data, config, Phase(1, 48, 0.0))[0])
    recorder = RunRecorder(tmp_path, batches_an_epoch=1)
    recorder.set_model(trained)
    recorder.on_epoch_end(0, {"accuracy": 0.5, "loss": 1.0, "val_accuracy": 0.5, "val_loss": 1.0})

    load_state(restored, tmp_path)
    assert int(restored.optimizer.iterations) == 3
    assert len(restored.optimizer.variables) == len(trained.optimizer.variables)
    for variables, expected in (
        (restored.variables, trained.variables),
        (restored.optimizer.variables, trained.optimizer.variables),
    ):
        for variable, wanted in zip(variables, expected, strict=True):
            np.testing.assert_array_equal(variable.numpy(), wanted.numpy())


def test_the_state_of_an_earlier_version_is_refused(
    csv: Path, uninterrupted_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(uninterrupted_run, tmp_path / "run")
    (run / "backup/latest.keras").rename(run / "backup/latest.weights.h5")
    before = (run / "log.csv").read_bytes()
    assert main(tiny.train_arguments(csv, run)) == 1
    assert "was trained by an earlier version, whose backup/latest.weights.h5" in capsys.readouterr().err
    assert (run / "log.csv").read_bytes() == before


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """SIGINT interrupts, as on a terminal: programs that were begun in the background inherit that it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_in_an_epoch_loses_this_epoch_only(
    csv: Path,
    uninterrupted_run: Path,
    ctrl_c: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, give_batch = tmp_path / "run", FaceBatches.__getitem__

    def give_batch_or_stop(batches: FaceBatches, index: int) -> tuple[FaceInputs, Targets, Weights]:
        if batches.phase and batches.epoch == 3 and index == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return give_batch(batches, index)

    with monkeypatch.context() as patched:
        patched.setattr(FaceBatches, "__getitem__", give_batch_or_stop)
        assert main(tiny.train_arguments(csv, run)) == 130
    assert "The same command goes on" in capsys.readouterr().err
    assert pd.read_csv(run / "log.csv")["epoch"].tolist() == [0, 1]

    assert main(tiny.train_arguments(csv, run)) == 0
    assert_same_run(run, uninterrupted_run)


def test_the_state_of_another_architecture_is_refused_and_kept(
    csv: Path, run_of_both: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(tiny.train_arguments(csv, run, epochs=1)) == 0
    latest = Path(shutil.copy(run_of_both / "backup/latest.keras", run / "backup"))
    before = latest.read_bytes()
    assert main(tiny.train_arguments(csv, run, epochs=1)) == 1
    assert "is damaged or not a state of the network 'tiny'" in capsys.readouterr().err
    assert latest.read_bytes() == before
    assert (run / "best.keras").exists()


@pytest.mark.parametrize("change", ["gone", "moved on"])
def test_a_run_goes_on_when_the_network_it_began_with_has_changed(
    csv: Path, uninterrupted_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    start, run = shutil.copytree(uninterrupted_run, tmp_path / "start"), tmp_path / "run"
    arguments = [*tiny.train_arguments(csv, run, epochs=1), "--from", str(start)]
    assert main(arguments) == 0
    assert "It begins with the weights of" in capsys.readouterr().out
    if change == "gone":
        shutil.rmtree(start)
    else:
        shutil.copy(run / "best.keras", start)
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert f"goes on from its own latest state; {start} is not read again" in shown
    assert "is finished: 1 epochs" in shown


def test_a_run_from_random_weights_does_not_go_on_from_other_weights(
    csv: Path, uninterrupted_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = tiny.train_arguments(csv, uninterrupted_run)
    assert main([*arguments, "--from", str(uninterrupted_run)]) == 1
    assert "other settings or data: other weights to begin with (--from)" in capsys.readouterr().err
