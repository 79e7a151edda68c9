"""A run folder of which files are missing, damaged or another run's: told in a sentence, and nothing is overwritten."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.training import tiny
from training.__main__ import main
from training.config import TrainingConfig
from training.data.dataset import Dataset
from training.errors import TrainingError
from training.fit.run_folder import RunRecord, find_best_epoch, open_run, read_log, read_record

RECORD = RunRecord(TrainingConfig(), "data", "votes", "commit", "tensorflow", "3", "start", "teacher")
LOG = "epoch,accuracy,loss,val_accuracy,val_loss\n0,0.25,1.5,0.5,1.25\n1,0.5,1.0,0.75,1.0\n"


@pytest.mark.parametrize("content", ["3", "[]", '"text"', "{}", "no JSON", '{"preprocessing": 3}'])
def test_a_damaged_configuration_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(TrainingError, match=r"config\.json cannot be read: "):
        read_record(tmp_path)


def test_a_folder_in_place_of_the_configuration_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()
    with pytest.raises(TrainingError, match=r"config\.json cannot be read: .*directory"):
        read_record(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "garbage",
        LOG.splitlines()[0] + "\n",
        LOG[:-1],  # it may have been cut within its last number
        LOG[:-9],
        LOG + LOG.splitlines()[-1] + "\n",
        LOG.replace("0.75", "high"),
        LOG.replace("0.75", ""),
        LOG.replace("val_loss", "loss_too"),
    ],
)
def test_a_damaged_log_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "log.csv").write_text(content)
    with pytest.raises(TrainingError, match=r"log\.csv is damaged"):
        read_log(tmp_path)


def test_a_log_may_hold_a_loss_that_is_no_number(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG.replace("1.5", "").replace("1.25", "inf"))
    assert find_best_epoch(read_log(tmp_path)) == 2


def test_no_log_has_no_best_epoch(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no epoch in its log\.csv"):
        find_best_epoch(read_log(tmp_path))


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (
            replace(RECORD, config=TrainingConfig(epochs=9, jit_compile=True)),
            'epochs is 22, not 9; jit_compile is "auto", not true',
        ),
        (replace(RECORD, data_sha256="else"), "other data (--data)"),
        (replace(RECORD, votes_sha256=""), "other votes (--votes)"),
        (replace(RECORD, started_from="else"), "other weights to begin with (--from)"),
        (replace(RECORD, teacher="else", data_sha256="else"), "other data (--data); other teachers (--teacher)"),
    ],
)
def test_differences_from_the_run_in_the_folder_are_named(tmp_path: Path, other: RunRecord, difference: str) -> None:
    open_run(tmp_path, RECORD)
    open_run(tmp_path, replace(RECORD, commit="later"))  # goes on
    with pytest.raises(TrainingError) as refused:
        open_run(tmp_path, other)
    assert f"holds a run with other settings or data: {difference}. Name another" in str(refused.value)


def test_other_data_and_other_votes_are_refused_in_other_words() -> None:
    with pytest.raises(TrainingError, match=r"another data file.*--data"):
        RECORD.check_data(Dataset({}, "else", "votes"))
    with pytest.raises(TrainingError, match=r"another file of votes.*--votes"):
        RECORD.check_data(Dataset({}, "data", "else"))
    RECORD.check_data(Dataset({}, "data"))


def put_garbage(file: Path) -> None:
    file.write_text("garbage")


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("config.json", Path.unlink, "backup/latest.keras of a run, but not its config.json"),
        ("log.csv", Path.unlink, "has 0 of the 4 epochs that are done"),
        ("log.csv", put_garbage, "log.csv is damaged"),
        ("backup/latest.keras", put_garbage, "latest.keras is damaged or not a state of the network 'tiny'"),
    ],
)
def test_a_training_does_not_go_on_without_its_files(
    csv: Path,
    uninterrupted_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    damage: Callable[[Path], None],
    message: str,
) -> None:
    run = shutil.copytree(uninterrupted_run, tmp_path / "run")
    damage(run / name)
    before = {file: file.read_bytes() for file in run.rglob("*.*") if file.is_file()}
    assert main(tiny.train_arguments(csv, run)) == 1
    assert message in capsys.readouterr().err
    assert {file: file.read_bytes() for file in run.rglob("*.*") if file.is_file()} == before


def evaluate(csv: Path, run: Path) -> int:
    return main(["evaluate", "--data", str(csv), "--cache", str(csv.parent / "cache"), "--run", str(run)])


def test_a_lost_network_is_not_taken_for_an_epoch_that_is_not_finished(
    csv: Path, uninterrupted_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(uninterrupted_run, tmp_path / "run")
    (run / "best.keras").unlink()
    assert evaluate(csv, run) == 1
    assert "has lost its best.keras: its log has 4 epochs" in capsys.readouterr().err


def test_a_run_that_is_a_file_or_below_one_is_refused(
    csv: Path, tiny_architecture: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert evaluate(csv, tmp_path / "file") == 1
    assert "file is no run folder: it has no config.json" in capsys.readouterr().err
    assert main(tiny.train_arguments(csv, tmp_path / "file" / "run")) == 1
    assert "config.json cannot be written" in capsys.readouterr().err


def test_small_faces_are_refused_for_a_network_of_one_size_before_the_run_is_begun(
    csv: Path, tiny_architecture: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = tiny.train_arguments(csv, tmp_path / "run", epochs=1)
    assert main([*arguments, "--small-epochs", "1"]) == 1
    assert "The network 'tiny' takes faces of 48 pixels only. Leave out --small-epochs." in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert main([*arguments, "--small-epochs", "0", "--seed", str(2**32 - 1)]) == 0
    assert json.loads((tmp_path / "run" / "config.json").read_text())["seed"] == 2**32 - 1


def test_votes_that_would_not_be_learnt_are_refused(
    csv: Path, tiny_architecture: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    votes = ["--votes", str(csv.parent / "votes.csv")]
    assert main([*tiny.train_arguments(csv, tmp_path / "run"), *votes]) == 1
    assert "The network 'tiny' does not learn FER+'s votes. Leave out --votes." in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
