"""Runs that are listed in a file and trained in the background."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest

from training.__main__ import main
from training.commands.plan_file import read_plan
from training.errors import TrainingError
from training.fit.background import run_plan
from training.fit.run_folder import RunRecord, open_run

TWO_RUNS = """
[[run]]
name = "first"
architecture = "residual"
epochs = 2
small-epochs = 1
batch-size = 8
learning-rate = 0.01
jit-compile = false

[[run]]
name = "second"
architecture = "residual-large"
from = "first"
epochs = 1
small-epochs = 0
batch-size = 8
"""


def write_plan(folder: Path, text: str) -> Path:
    file = folder / "plan.toml"
    file.write_text(text)
    return file


def plan_command(plan: Path, csv: Path, runs: Path) -> list[str]:
    data = ["--data", str(csv), "--votes", str(csv.parent / "votes.csv"), "--cache", str(csv.parent / "cache")]
    return [sys.executable, "-m", "training", "plan", str(plan), *data, "--runs", str(runs)]


def test_a_plan_that_is_killed_goes_on_where_it_was(csv: Path, tmp_path: Path) -> None:
    plan, runs = write_plan(tmp_path, TWO_RUNS), tmp_path / "runs"
    with subprocess.Popen(plan_command(plan, csv, runs), stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        assert any("Epoch 2/2" in line for line in killed.stdout)
        killed.send_signal(signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    with (runs / "plan.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until its training is gone too
    assert pd.read_csv(runs / "first" / "log.csv")["epoch"].tolist() == [0]

    going_on = subprocess.run(plan_command(plan, csv, runs), capture_output=True, text=True)
    assert going_on.returncode == 0, going_on.stderr
    assert "Run 1 of 2, first: begins after 1 of 2 epochs." in going_on.stdout
    assert "It begins with the weights of epoch" in going_on.stdout
    assert pd.read_csv(runs / "first" / "log.csv")["epoch"].tolist() == [0, 1]
    assert pd.read_csv(runs / "second" / "log.csv")["epoch"].tolist() == [0]
    log = (runs / "plan.log").read_text()
    assert log.count("Epoch 2/2") == 2
    assert log.endswith("All runs of the plan are finished.\n")

    again = subprocess.run(plan_command(plan, csv, runs), capture_output=True, text=True)
    assert again.returncode == 0
    assert "Run 1 of 2, first: its 2 epochs are done." in again.stdout
    assert "Epoch" not in again.stdout


def test_a_run_that_fails_stops_the_plan(csv: Path, tmp_path: Path) -> None:
    plan, runs = write_plan(tmp_path, TWO_RUNS), tmp_path / "runs"
    without_votes = [each for each in plan_command(plan, csv, runs) if "votes" not in each]
    failed = subprocess.run(without_votes, capture_output=True, text=True)
    assert failed.returncode == 1
    assert "The run first failed" in failed.stderr
    log = (runs / "plan.log").read_text()
    assert "name the fer2013new.csv with --votes" in log
    assert "failed with exit code 1, and the plan stops" in log
    assert "second" not in log


def test_a_training_needs_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["plan", str(write_plan(tmp_path, TWO_RUNS)), "--runs", str(tmp_path / "runs")])
    assert ended.value.code == 2
    assert "required without --check: --data" in capsys.readouterr().err


def test_what_is_done_is_said_without_training(csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan, runs = write_plan(tmp_path, TWO_RUNS), tmp_path / "runs"
    assert main(["plan", str(plan), "--runs", str(runs), "--check"]) == 0  # which needs no data
    assert capsys.readouterr().out.splitlines() == [
        "first: 0 of 2 epochs are done",
        "second: 0 of 1 epochs are done",
    ]
    assert not runs.exists()


def test_two_plans_do_not_train_in_the_same_folder(tmp_path: Path) -> None:
    plan = read_plan(write_plan(tmp_path, TWO_RUNS), tmp_path / "runs")
    (tmp_path / "runs").mkdir()
    with (tmp_path / "runs" / "plan.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TrainingError, match=r"A plan is running in .*/runs already"):
            run_plan(plan, tmp_path / "runs", tmp_path, [])


def test_it_runs_when_nothing_else_wants_to() -> None:
    code = (
        "import os; from training.fit.background import yield_to_others; yield_to_others();"
        " print(os.nice(0), os.sched_getscheduler(0))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["19", str(os.SCHED_IDLE)]


def test_a_run_gets_its_architecture_s_recipe_and_what_the_plan_changes(tmp_path: Path) -> None:
    first, second = read_plan(write_plan(tmp_path, TWO_RUNS), tmp_path / "runs")
    assert (first.config.epochs, first.config.small_epochs, first.config.jit_compile) == (2, 1, False)
    assert (second.config.augmentation, second.config.averaging) == ("photo", 0.998)
    assert f"--from={tmp_path}/runs/first" in second.arguments


def test_a_run_that_was_trained_otherwise_is_refused(tmp_path: Path) -> None:
    first, second = read_plan(write_plan(tmp_path, TWO_RUNS), tmp_path / "runs")
    surroundings = ("data", "votes", "commit", "tensorflow", "3.15")
    open_run(first.folder, RunRecord(first.config, *surroundings))
    open_run(second.folder, RunRecord(first.config, *surroundings))
    assert first.epochs_done() == 0
    with pytest.raises(TrainingError, match='architecture is "residual", not "residual-large"'):
        second.epochs_done()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[run]\n", "at line 1, column 6"),
        ("", "has no runs"),
        ("run = 3", "has no runs"),
        ("data = 'x'\n" + TWO_RUNS, "data is unknown"),
        ("[[run]]\nepochs = 3", "run 1 (no name): name: give it one"),
        ("[[run]]\nname = '../x'", "run 1 (../x): name: give it one"),
        (TWO_RUNS + "[[run]]\nname = 'first'", "run 3 (first): name: a run above has it"),
        ("[[run]]\nname = 'a'\nepoch = 3", "run 1 (a): epoch: there is no such setting. Did you mean epochs?"),
        ("[[run]]\nname = 'a'\nepochs = 'many'", "run 1 (a): epochs: invalid number value: 'many'"),
        ("[[run]]\nname = 'a'\nepochs = -3", "run 1 (a): epochs: -3 is not a positive number"),
        ("[[run]]\nname = 'a'\nepochs = true", "run 1 (a): epochs: it is not true or false"),
        ("[[run]]\nname = 'a'\nepochs = []", "run 1 (a): epochs: it cannot be []"),
        ("[[run]]\nname = 'a'\naugmentation = 'wild'", "run 1 (a): augmentation: invalid choice: 'wild'"),
        ("[[run]]\nname = 'a'\nfrom = 'b'", "run 1 (a): from: there is no run of this name above, and no folder b"),
        ("[[run]]\nname = 'a'\nfrom = 3", "run 1 (a): from: name a run above, or a folder"),
        ("[[run]]\nname = 'a'\nteacher-share = 0.5", "run 1 (a): --teacher-share goes with --teacher"),
        ("[[run]]\nname = 'a'\ndata = 'x.csv'", "run 1 (a): data: it is the same for all runs"),
        ("[[run]]\nname = 'a'\nhelp = true", "run 1 (a): help: there is no such setting"),
        ("[[run]]\nname = 'a'\nno-jit-compile = true", "no-jit-compile: there is no such setting"),
    ],
)
def test_a_wrong_plan_is_refused_by_line_or_key(
    csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, reason: str
) -> None:
    plan = write_plan(tmp_path, text)
    assert main(plan_command(plan, csv, tmp_path / "runs")[3:]) == 1
    message = capsys.readouterr().err
    assert reason in message
    assert str(plan) in message
    assert not (tmp_path / "runs").exists()


def test_a_missing_plan_is_refused(csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(plan_command(tmp_path / "none.toml", csv, tmp_path / "runs")[3:]) == 1
    assert "There is no file" in capsys.readouterr().err


def test_the_committed_plans_are_right(tmp_path: Path) -> None:
    plans = sorted(Path("training/plans").glob("*.toml"))
    assert plans
    for plan in plans:
        assert all(json.dumps(asdict(run.config)) for run in read_plan(plan, tmp_path))
