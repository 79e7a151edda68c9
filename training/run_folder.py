"""What a run leaves on disk: its configuration, its log, its best network, its latest state."""

import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ml.types import Preprocessing
from training.data import IMAGE_SIZE, Fer2013
from training.errors import TrainingError

CONFIG_FILE = "config.json"
LOG_FILE = "log.csv"
BEST_FILE = "best.keras"
LATEST_FILE = "backup/latest.weights.h5"
CURVES_FILE = "curves.png"
LOG_COLUMNS = ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    architecture: str = "reference-cnn"
    epochs: int = 22
    batch_size: int = 64
    # Adam's, falling to zero along half a cosine. With Adam's usual 1e-3 the reference CNN's first loss is 7, and after
    # an epoch it still answers "happy" to everything (validation accuracy 25%; with 2e-4 37%).
    learning_rate: float = 2e-4
    augmentation: bool = True
    precision: str = "float32"
    seed: int = 2013
    preprocessing: Preprocessing = field(default=Preprocessing(IMAGE_SIZE, 1.0, "standardise"))


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The content of config.json: what was asked for, and what it ran on."""

    config: TrainingConfig
    data_sha256: str  # of the CSV file
    commit: str
    backend: str
    keras: str

    def check_data(self, data: Fer2013) -> None:
        """Raise TrainingError unless this run was trained on `data`: its splits may be other ones."""
        if data.sha256 != self.data_sha256:
            raise TrainingError("The run was trained on another data file. Name that one with --data.")


def read_record(run: Path) -> RunRecord:
    """Raises TrainingError if `run` is no run folder."""
    try:
        values: dict[str, Any] = json.loads((run / CONFIG_FILE).read_text())
        preprocessing = Preprocessing(**values.pop("preprocessing"))
        surroundings = {key: values.pop(key) for key in ("data_sha256", "commit", "backend", "keras")}
        return RunRecord(TrainingConfig(**values, preprocessing=preprocessing), **surroundings)
    except FileNotFoundError:
        raise TrainingError(f"{run} is no run folder: it has no {CONFIG_FILE}. Train first.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{run / CONFIG_FILE} cannot be read: {error}") from error


def open_run(run: Path, record: RunRecord) -> None:
    """Make the run folder, or see that it holds a run of the same configuration and data.

    Raises TrainingError if it holds another run.
    """
    if (run / CONFIG_FILE).exists():
        before = read_record(run)
        if (before.config, before.data_sha256) != (record.config, record.data_sha256):
            raise TrainingError(f"{run} holds a run with other settings or data. Name another folder with --run.")
        return
    run.mkdir(parents=True, exist_ok=True)
    values = asdict(record.config) | {key: value for key, value in asdict(record).items() if key != "config"}
    partial = run / f"partial-{CONFIG_FILE}"
    partial.write_text(json.dumps(values, indent=2) + "\n")
    partial.replace(run / CONFIG_FILE)


def read_log(run: Path) -> pd.DataFrame:
    """The epochs so far, one row each with LOG_COLUMNS, `epoch` counting from 0; empty before the first."""
    file = run / LOG_FILE
    if not file.exists() or not file.stat().st_size:
        return pd.DataFrame({column: [] for column in LOG_COLUMNS}).astype({"epoch": int})
    return pd.read_csv(file)


def best_epoch(log: pd.DataFrame) -> int:
    """The epoch, counting from 1, of the highest validation accuracy; the first if several have it."""
    return int(log["epoch"].iloc[log["val_accuracy"].argmax()]) + 1


def current_commit() -> str:
    """The commit of this code, "-dirty" if it has changes; TRAINING_COMMIT where there is no repository."""
    if commit := os.environ.get("TRAINING_COMMIT"):
        return commit
    if not (git := shutil.which("git")):
        return "unknown"
    describe = [git, "describe", "--always", "--dirty", "--abbrev=40"]
    answer = subprocess.run(describe, cwd=Path(__file__).parent, capture_output=True, text=True)  # noqa: S603
    return answer.stdout.strip() or "unknown"
