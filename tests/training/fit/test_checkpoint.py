"""What of a run is committed, and going on from it elsewhere."""

import io
import shutil
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pandas as pd
import pytest

from tests.support.training import tiny
from training.__main__ import main
from training.commands.plan_file import read_plan
from training.data.fer2013 import load_fer2013
from training.errors import TrainingError
from training.fit.background import run_plan
from training.fit.checkpoint import restore_run, write_checkpoint
from training.fit.start import load_latest_network
from training.fit.trained import load_best_network, load_network


@pytest.fixture
def half_done(csv: Path, tiny_architecture: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of both labellings that was stopped after two of its four epochs."""
    run = tmp_path / "elsewhere"
    with monkeypatch.context() as patched:
        epochs_begun = []

        def begin_or_stop(*_: object) -> None:
            epochs_begun.append(1)
            if len(epochs_begun) == 3:
                raise KeyboardInterrupt

        patched.setattr("training.fit.recorder.RunRecorder.on_epoch_begin", begin_or_stop)
        assert main(tiny.train_both_arguments(csv, run)) == 130
    assert len(pd.read_csv(run / "log.csv")) == 2
    return run


def let_the_first_epoch_be_the_best(run: Path) -> None:
    log = pd.read_csv(run / "log.csv")
    log.loc[0, "val_accuracy"] = 1.0
    log.to_csv(run / "log.csv", index=False)


def test_a_checkpoint_answers_as_the_run_does(run_of_both: Path, csv: Path, tmp_path: Path) -> None:
    write_checkpoint(run_of_both, tmp_path / "small")
    faces = np.random.default_rng(0).standard_normal((20, 48, 48, 1)).astype(np.float32)
    expected, small = (load_best_network(run).predict_on_batch(faces) for run in (run_of_both, tmp_path / "small"))
    for labelling in ("fer", "ferplus"):
        np.testing.assert_allclose(small[labelling], expected[labelling], atol=0.003)
    data = ["--data", str(csv), "--votes", str(csv.parent / "votes.csv"), "--cache", str(csv.parent / "cache")]
    assert main(["evaluate", *data, "--run", str(tmp_path / "small")]) == 0


def test_a_checkpoint_has_the_weights_in_half_precision_and_no_optimizer(run_of_both: Path, tmp_path: Path) -> None:
    write_checkpoint(run_of_both, tmp_path / "small")
    types: set[np.dtype] = set()
    with zipfile.ZipFile(tmp_path / "small" / "best.keras") as file:
        weights = h5py.File(io.BytesIO(file.read("model.weights.h5")))
    weights.visititems(lambda _, item: types.add(item.dtype) if isinstance(item, h5py.Dataset) else None)
    assert types == {np.dtype(np.float16)}
    assert "optimizer" not in weights
    assert not list((tmp_path / "small").rglob("latest.keras"))


def test_a_run_goes_on_from_its_checkpoint(csv: Path, half_done: Path, tmp_path: Path) -> None:
    write_checkpoint(half_done, tmp_path / "small")
    restore_run(tmp_path / "small", tmp_path / "run")
    assert main(tiny.train_both_arguments(csv, tmp_path / "run")) == 0
    log, before = (pd.read_csv(run / "log.csv") for run in (tmp_path / "run", half_done))
    assert log["epoch"].tolist() == list(range(tiny.EPOCHS))
    pd.testing.assert_frame_equal(log[:2], before)
    assert (tmp_path / "run" / "backup" / "latest.keras").exists()


def test_a_run_goes_on_from_its_averaged_weights_at_its_step(csv: Path, half_done: Path, tmp_path: Path) -> None:
    from training.fit.compiling import compile_model
    from training.fit.recorder import RunRecorder, averaged_weights
    from training.fit.run_folder import read_record
    from training.fit.trained import build_network

    let_the_first_epoch_be_the_best(half_done)
    write_checkpoint(half_done, tmp_path / "small")
    restore_run(tmp_path / "small", tmp_path / "run")
    config = read_record(tmp_path / "run").config
    batches = len(load_fer2013(csv, csv.parent / "cache").split("train").labels) // config.batch_size + 1
    network = build_network(config)
    compile_model(network, config, batches * config.epochs)
    assert RunRecorder(tmp_path / "run", batches).restore(network) == 2
    expected = load_latest_network(half_done).get_weights()
    with averaged_weights(network):
        averages = network.get_weights()
    for weights in (network.get_weights(), averages):
        for each, wanted in zip(weights, expected, strict=True):
            np.testing.assert_allclose(each, wanted, rtol=1e-3, atol=1e-6)


def test_the_best_and_the_latest_network_are_kept_when_they_differ(half_done: Path, tmp_path: Path) -> None:
    write_checkpoint(half_done, tmp_path / "small")
    let_the_first_epoch_be_the_best(half_done)
    write_checkpoint(half_done, tmp_path / "small")
    small = load_network(tmp_path / "small" / "backup" / "averaged.keras")
    for each, wanted in zip(small.get_weights(), load_latest_network(half_done).get_weights(), strict=True):
        np.testing.assert_allclose(each, wanted, rtol=1e-3, atol=1e-6)


def test_a_plan_begins_with_the_checkpoint_of_a_run(
    run_of_both: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_checkpoint(run_of_both, tmp_path / "plan" / "first")
    (tmp_path / "plan.toml").write_text(
        f"[[run]]\nname = 'first'\narchitecture = '{tiny.POOLED}'\nepochs = {tiny.EPOCHS}\nbatch-size = 8\n"
        "learning-rate = 0.05\n"
    )
    wanted = ["plan", str(tmp_path / "plan.toml"), "--data", "x.csv", "--runs", str(tmp_path / "runs"), "--check"]
    assert main(wanted) == 0
    assert capsys.readouterr().out == f"first: {tiny.EPOCHS} of {tiny.EPOCHS} epochs are done, in its checkpoint\n"
    plan = read_plan(tmp_path / "plan.toml", tmp_path / "runs")
    run_plan(plan, tmp_path / "runs", tmp_path / "plan", [])
    shown = capsys.readouterr().out
    assert "Run 1 of 1, first: goes on from its checkpoint." in shown
    assert f"its {tiny.EPOCHS} epochs are done" in shown
    assert (tmp_path / "runs" / "first" / "best.keras").exists()


def test_the_checkpoint_of_another_run_is_not_replaced(
    run_of_both: Path, uninterrupted_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_checkpoint(run_of_both, tmp_path / "small")
    before = (tmp_path / "small" / "best.keras").read_bytes()
    assert main(["checkpoint", "--run", str(uninterrupted_run), "--out", str(tmp_path / "small")]) == 1
    assert "holds the checkpoint of a run with other settings" in capsys.readouterr().err
    assert (tmp_path / "small" / "best.keras").read_bytes() == before


def test_a_damaged_network_makes_no_checkpoint(run_of_both: Path, tmp_path: Path) -> None:
    run = shutil.copytree(run_of_both, tmp_path / "run")
    (run / "best.keras").write_bytes(b"garbage")
    with pytest.raises(TrainingError, match="is damaged"):
        write_checkpoint(run, tmp_path / "small")
    assert not (tmp_path / "small").exists()


def test_weights_that_half_precision_cannot_hold_are_refused(run_of_both: Path, tmp_path: Path) -> None:
    run = shutil.copytree(run_of_both, tmp_path / "run")
    network = keras.models.load_model(run / "best.keras", compile=False)
    network.layers[1].bias.assign(network.layers[1].bias + 1e6)
    network.save(run / "best.keras")
    with pytest.raises(TrainingError, match="that half precision cannot hold"):
        write_checkpoint(run, tmp_path / "small")
