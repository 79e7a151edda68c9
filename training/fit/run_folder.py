"""Reads and writes what a run leaves on disk: its configuration, log, best network and latest state."""

import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass, fields, replace
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pandas as pd

from ml.labels import EMOTIONS, Emotion
from ml.types import Preprocessing
from training.config import TrainingConfig
from training.data.dataset import Dataset
from training.errors import TrainingError
from training.files import write_atomically

CONFIG_FILE = "config.json"
LOG_FILE = "log.csv"
BEST_FILE = "best.keras"
LATEST_FILE = "backup/latest.keras"
AVERAGED_FILE = "backup/averaged.keras"  # in a checkpoint only: the network after the last epoch
FORMER_LATEST_FILE = "backup/latest.weights.h5"  # written by earlier versions
CURVES_FILE = "curves.png"
NETWORK_FILE = "network.keras"  # in a release only: the network of the best epoch, for further training
COLUMNS = ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]
FERPLUS_COLUMNS = ["ferplus_accuracy", "val_ferplus_accuracy"]  # added when the votes are learnt too


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The content of config.json: what was asked for, and what the training ran on."""

    config: TrainingConfig
    data_sha256: str  # of the CSV file
    votes_sha256: str  # of the FER+ file; empty without one
    commit: str
    backend: str
    keras: str
    started_from: str = ""  # sha256 of the network file that gave the first weights; empty for random weights
    teacher: str = ""  # sha256 of each teacher's network file; empty without one

    def check_data(self, data: Dataset) -> None:
        """Raise TrainingError unless this run was trained on `data`, as the splits of other data may differ."""
        if data.sha256 != self.data_sha256:
            raise TrainingError("The run was trained on another data file. Name that one with --data.")
        if "" not in (data.votes_sha256, self.votes_sha256) and data.votes_sha256 != self.votes_sha256:
            raise TrainingError("The run was trained on another file of votes. Name that one with --votes.")


# Only the sha256 of these is recorded, so people are not shown the values that differ.
DIFFERENCE_TEXTS: Final = {
    "data_sha256": "other data (--data)",
    "votes_sha256": "other votes (--votes)",
    "started_from": "other weights to begin with (--from)",
    "teacher": "other teachers (--teacher)",
}
RECORDED_BESIDE_CONFIG = [each.name for each in fields(RunRecord) if each.name != "config"]


def read_record(run: Path) -> RunRecord:
    """Read the config.json of a run. Raises TrainingError if `run` is no run folder or its configuration is damaged."""
    try:
        values: dict[str, Any] = json.loads((run / CONFIG_FILE).read_text())
        if not isinstance(values, dict):
            raise ValueError("it holds no settings")
        preprocessing = Preprocessing(**values.pop("preprocessing"))
        classes = tuple(Emotion(each) for each in values.pop("classes", EMOTIONS))
        beside = {key: values.pop(key) for key in RECORDED_BESIDE_CONFIG if key in values}
        return RunRecord(TrainingConfig(**values, classes=classes, preprocessing=preprocessing), **beside)
    except (FileNotFoundError, NotADirectoryError):
        raise TrainingError(f"{run} is no run folder: it has no {CONFIG_FILE}. Train first.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{run / CONFIG_FILE} cannot be read: {error}") from error


def open_run(run: Path, record: RunRecord) -> None:
    """Make the run folder, or check that it holds a run of the same configuration and data.

    Raises TrainingError if it holds another run, or the files of a run without its configuration.
    """
    if (run / CONFIG_FILE).exists():
        before = read_record(run)
        if replace(before, commit=record.commit, backend=record.backend, keras=record.keras) != record:
            raise TrainingError(
                f"{run} holds a run with other settings or data: {_differences(before, record)}."
                " Name another folder with --run."
            )
        return
    if left := [name for name in (LOG_FILE, BEST_FILE, LATEST_FILE, FORMER_LATEST_FILE) if (run / name).exists()]:
        raise TrainingError(
            f"{run} holds {', '.join(left)} of a run, but not its {CONFIG_FILE}. Put that back, or name another"
            " folder with --run."
        )
    values = asdict(record.config) | {key: value for key, value in asdict(record).items() if key != "config"}
    text = json.dumps(values, indent=2) + "\n"
    write_atomically(run / CONFIG_FILE, lambda file: file.write_text(text), "Name another folder with --run.")


def _differences(before: RunRecord, asked: RunRecord) -> str:
    """Describe for people how the run in a folder differs from the run that was asked for."""
    others = [text for key, text in DIFFERENCE_TEXTS.items() if getattr(before, key) != getattr(asked, key)]
    return "; ".join([*filter(None, [describe_differences(before.config, asked.config)]), *others])


def describe_differences(before: TrainingConfig, asked: TrainingConfig) -> str:
    """Describe for people which settings of a run are not as asked for; empty if all are."""
    was, wanted = asdict(before), asdict(asked)
    return "; ".join(
        f"{key} is {json.dumps(was[key])}, not {json.dumps(wanted[key])}" for key in was if was[key] != wanted[key]
    )


def read_log(run: Path) -> pd.DataFrame:
    """Return the finished epochs, a row each with COLUMNS, `epoch` counted from 0; empty before the first.

    Raises TrainingError if the file is damaged.
    """
    file = run / LOG_FILE
    if not file.exists():
        return pd.DataFrame({column: [] for column in COLUMNS}).astype({"epoch": int})
    try:
        text = file.read_text()
        log = pd.read_csv(StringIO(text))
        # A training that fails may log a loss that is no number, and its log is still whole.
        whole = text.endswith("\n") and log["epoch"].tolist() == list(range(len(log)))
        whole = whole and len(log) > 0 and not log[COLUMNS].astype(float)["val_accuracy"].isna().any()
    except (OSError, ValueError, KeyError):
        whole = False
    if not whole:
        raise TrainingError(f"{file} is damaged: it is no log of a run's epochs. Put the run's own file back.")
    return log


def find_best_epoch(log: pd.DataFrame) -> int:
    """Return the epoch, counted from 1, with the highest validation accuracy; the first of several.

    If the network learns both labellings, the sum of both accuracies counts.
    Raises TrainingError if there is no epoch.
    """
    if log.empty:
        raise TrainingError(f"The run has no epoch in its {LOG_FILE}. Train first, or put the run's own file back.")
    accuracy = log["val_accuracy"] + log.get("val_ferplus_accuracy", 0.0)
    return int(log["epoch"].iloc[accuracy.argmax()]) + 1


def describe_commit() -> str:
    """Return the commit of this code, with "-dirty" if it has changes; TRAINING_COMMIT, if set, replaces it."""
    if commit := os.environ.get("TRAINING_COMMIT"):
        return commit
    if not (git := shutil.which("git")):
        return "unknown"
    describe = [git, "describe", "--always", "--dirty", "--abbrev=40"]
    answer = subprocess.run(describe, cwd=Path(__file__).parent, capture_output=True, text=True)  # noqa: S603
    return answer.stdout.strip() or "unknown"
