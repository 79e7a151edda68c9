"""What a run leaves on disk: its configuration, its log, its best network, its latest state."""

import json
import os
import shutil
import subprocess
from dataclasses import asdict, dataclass, field, fields, replace
from io import StringIO
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd

from ml.labels import EMOTIONS, Emotion
from ml.types import Preprocessing
from training.augment import AugmentationName
from training.data import IMAGE_SIZE, Fer2013, Labelling
from training.errors import TrainingError
from training.files import write_whole

CONFIG_FILE = "config.json"
LOG_FILE = "log.csv"
BEST_FILE = "best.keras"
LATEST_FILE = "backup/latest.keras"
AVERAGED_FILE = "backup/averaged.keras"  # of a checkpoint: the last epoch's network
FORMER_LATEST_FILE = "backup/latest.weights.h5"  # of earlier versions
CURVES_FILE = "curves.png"
NETWORK_FILE = "network.keras"  # of a release: the best epoch's network, to train on from
COLUMNS = ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]
FERPLUS_COLUMNS = ["ferplus_accuracy", "val_ferplus_accuracy"]  # follow when the votes are learnt too
SMALL_SIZE = 32  # pixels
MIXED_PART = 0.85  # of all epochs: the last ones see faces as they are


OptimizerName = Literal["adam", "sgd"]


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    architecture: str = "reference-cnn"
    ferplus: bool = False  # whether it also learns the votes of FER+
    classes: tuple[Emotion, ...] = EMOTIONS  # that it tells apart; faces of others are left out
    epochs: int = 22
    batch_size: int = 64
    optimizer: OptimizerName = "adam"
    # Falls to zero along half a cosine. With Adam's usual 1e-3 the reference CNN's first loss is 7, and after
    # an epoch it still answers "happy" to everything (validation accuracy 25%; with 2e-4 37%).
    learning_rate: float = 2e-4
    weight_decay: float = 0.0  # decoupled (Loshchilov and Hutter 2019); for SGD only
    averaging: float = 0.0  # share of the old in the moving average of the weights; for SGD only
    label_smoothing: float = 0.0  # of FER-2013's labels
    logit_adjustment: float = 0.0  # strength of training.losses.AdjustedCrossentropy; 0 for the plain one
    teacher_share: float = 0.0  # of what teachers answer, in the targets; the rest is the labels
    augmentation: AugmentationName = "light"
    mixup: float = 0.0  # see training.augment.mix; the last epochs, by MIXED_PART, are unmixed
    small_epochs: int = 0  # the first epochs, on faces of SMALL_SIZE: less than half the time each
    # Left to itself Keras does not on a CPU. Without AVX-512 it nearly halves the time of a residual step; with
    # AVX-512, where TensorFlow's own convolutions are good, a step takes 1.3 times as long.
    jit_compile: bool | Literal["auto"] = "auto"
    precision: str = "float32"
    seed: int = 2013
    preprocessing: Preprocessing = field(default=Preprocessing(IMAGE_SIZE, 1.0, "standardise"))

    @property
    def labellings(self) -> tuple[Labelling, ...]:
        return ("fer", "ferplus") if self.ferplus else ("fer",)

    def phases(self) -> "list[Phase]":
        """The parts of the training, in order: each ends where the size of the faces changes or mixing stops."""
        last_mixed = round(self.epochs * MIXED_PART) if self.mixup else 0
        ends = sorted({min(end, self.epochs) for end in (self.small_epochs, last_mixed, self.epochs) if end > 0})
        return [
            Phase(
                end=end,
                size=SMALL_SIZE if end <= self.small_epochs else self.preprocessing.size,
                mixup=self.mixup if end <= last_mixed else 0.0,
            )
            for end in ends
        ]


@dataclass(frozen=True, slots=True)
class Phase:
    """Epochs that are trained alike."""

    end: int  # the number of epochs done when it ends
    size: int  # side of the faces in pixels
    mixup: float  # see TrainingConfig


RECIPES: Final = {
    "reference-cnn": TrainingConfig(),
    "residual": TrainingConfig(
        architecture="residual",
        ferplus=True,
        epochs=14,
        optimizer="sgd",
        learning_rate=0.05,
        weight_decay=4e-3,
        averaging=0.998,
        label_smoothing=0.05,
        small_epochs=10,
        jit_compile=True,
    ),
    "residual-large": TrainingConfig(
        architecture="residual-large",
        ferplus=True,
        epochs=150,
        batch_size=128,
        optimizer="sgd",
        learning_rate=0.08,
        weight_decay=4e-3,
        averaging=0.998,
        label_smoothing=0.05,
        augmentation="photo",
        mixup=0.2,
        small_epochs=30,
    ),
}


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The content of config.json: what was asked for, and what it ran on."""

    config: TrainingConfig
    data_sha256: str  # of the CSV file
    votes_sha256: str  # of the FER+ file; empty without one
    commit: str
    backend: str
    keras: str
    started_from: str = ""  # sha256 of the network file whose weights it began with; empty for random ones
    teacher: str = ""  # sha256 of each teacher's network file; empty without one

    def check_data(self, data: Fer2013) -> None:
        """Raise TrainingError unless this run was trained on `data`: its splits may be other ones."""
        if data.sha256 != self.data_sha256:
            raise TrainingError("The run was trained on another data file. Name that one with --data.")
        if "" not in (data.votes_sha256, self.votes_sha256) and data.votes_sha256 != self.votes_sha256:
            raise TrainingError("The run was trained on another file of votes. Name that one with --votes.")


OTHERS: Final = {  # how a difference in what is only recorded by its sha256 is told
    "data_sha256": "other data (--data)",
    "votes_sha256": "other votes (--votes)",
    "started_from": "other weights to begin with (--from)",
    "teacher": "other teachers (--teacher)",
}
SURROUNDINGS = [each.name for each in fields(RunRecord) if each.name != "config"]


def read_record(run: Path) -> RunRecord:
    """Raises TrainingError if `run` is no run folder, or its configuration is damaged."""
    try:
        values: dict[str, Any] = json.loads((run / CONFIG_FILE).read_text())
        if not isinstance(values, dict):
            raise ValueError("it holds no settings")
        preprocessing = Preprocessing(**values.pop("preprocessing"))
        classes = tuple(Emotion(each) for each in values.pop("classes", EMOTIONS))
        surroundings = {key: values.pop(key) for key in SURROUNDINGS if key in values}
        return RunRecord(TrainingConfig(**values, classes=classes, preprocessing=preprocessing), **surroundings)
    except (FileNotFoundError, NotADirectoryError):
        raise TrainingError(f"{run} is no run folder: it has no {CONFIG_FILE}. Train first.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(f"{run / CONFIG_FILE} cannot be read: {error}") from error


def open_run(run: Path, record: RunRecord) -> None:
    """Make the run folder, or see that it holds a run of the same configuration and data.

    Raises TrainingError if it holds another run, or what a run has left without its configuration.
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
    write_whole(run / CONFIG_FILE, lambda file: file.write_text(text), "Name another folder with --run.")


def _differences(before: RunRecord, asked: RunRecord) -> str:
    """What the run in a folder differs in from the one that was asked for, for people."""
    others = [words for key, words in OTHERS.items() if getattr(before, key) != getattr(asked, key)]
    return "; ".join([*filter(None, [differences(before.config, asked.config)]), *others])


def differences(before: TrainingConfig, asked: TrainingConfig) -> str:
    """The settings of a run that are not as asked for, for people; empty if all are."""
    was, wanted = asdict(before), asdict(asked)
    return "; ".join(
        f"{key} is {json.dumps(was[key])}, not {json.dumps(wanted[key])}" for key in was if was[key] != wanted[key]
    )


def read_log(run: Path) -> pd.DataFrame:
    """The epochs so far, one row each with COLUMNS, `epoch` counting from 0; empty before the first.

    Raises TrainingError if the file is damaged.
    """
    file = run / LOG_FILE
    if not file.exists():
        return pd.DataFrame({column: [] for column in COLUMNS}).astype({"epoch": int})
    try:
        text = file.read_text()
        log = pd.read_csv(StringIO(text))
        # A loss that is no number is that of a training that failed.
        whole = text.endswith("\n") and log["epoch"].tolist() == list(range(len(log)))
        whole = whole and len(log) > 0 and not log[COLUMNS].astype(float)["val_accuracy"].isna().any()
    except (OSError, ValueError, KeyError):
        whole = False
    if not whole:
        raise TrainingError(f"{file} is damaged: it is no log of a run's epochs. Put the run's own file back.")
    return log


def best_epoch(log: pd.DataFrame) -> int:
    """The epoch, counting from 1, of the highest validation accuracy; the first if several have it.

    Of a network that learns both labellings, the highest sum of both accuracies.
    Raises TrainingError if there is no epoch.
    """
    if log.empty:
        raise TrainingError(f"The run has no epoch in its {LOG_FILE}. Train first, or put the run's own file back.")
    accuracy = log["val_accuracy"] + log.get("val_ferplus_accuracy", 0.0)
    return int(log["epoch"].iloc[accuracy.argmax()]) + 1


def current_commit() -> str:
    """The commit of this code, "-dirty" if it has changes; TRAINING_COMMIT where there is no repository."""
    if commit := os.environ.get("TRAINING_COMMIT"):
        return commit
    if not (git := shutil.which("git")):
        return "unknown"
    describe = [git, "describe", "--always", "--dirty", "--abbrev=40"]
    answer = subprocess.run(describe, cwd=Path(__file__).parent, capture_output=True, text=True)  # noqa: S603
    return answer.stdout.strip() or "unknown"
