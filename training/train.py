"""One run: data and a configuration -> the best epoch's network, a log and curves."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from ml.preprocessing import normalise
from ml.types import Preprocessing
from training.architectures import ARCHITECTURES, IMAGE_SIZE
from training.augment import augment
from training.curves import plot_curves
from training.data import Fer2013, Split
from training.errors import TrainingError

CONFIG_FILE = "config.json"
LOG_FILE = "log.csv"
BEST_FILE = "best.keras"
CURVES_FILE = "curves.png"


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    architecture: str = "reference-cnn"
    epochs: int = 22
    batch_size: int = 64
    learning_rate: float = 1e-3  # Adam's, falling to zero along half a cosine
    augmentation: bool = True
    precision: str = "float32"
    seed: int = 2013
    preprocessing: Preprocessing = field(default=Preprocessing(IMAGE_SIZE, 1.0, "standardise"))


class FaceBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of normalised faces and one-hot labels; each epoch in another order, the same for a seed."""

    def __init__(self, split: Split, config: TrainingConfig, *, training: bool, first_epoch: int = 0) -> None:
        super().__init__()
        self.split, self.config, self.training = split, config, training
        self.epoch = first_epoch
        self.order = np.arange(len(split.labels))
        self._shuffle()

    def _shuffle(self) -> None:
        if self.training:
            random = np.random.default_rng((self.config.seed, self.epoch))
            self.order = random.permutation(len(self.split.labels))

    def __len__(self) -> int:
        return -(-len(self.order) // self.config.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        rows = self.order[index * self.config.batch_size : (index + 1) * self.config.batch_size]
        faces = self.split.faces[rows]
        if self.training and self.config.augmentation:
            faces = augment(faces, np.random.default_rng((self.config.seed, self.epoch, index)))
        labels = keras.utils.to_categorical(self.split.labels[rows], 7)
        return normalise(faces, self.config.preprocessing), labels

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._shuffle()


class Curves(keras.callbacks.Callback):  # type: ignore[misc]
    """Redraws the curves after each epoch, so that a long run can be watched."""

    def __init__(self, run: Path) -> None:
        super().__init__()
        self.run = run

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        plot_curves(pd.read_csv(self.run / LOG_FILE), self.run / CURVES_FILE)


def train(data: Fer2013, config: TrainingConfig, run: Path) -> None:
    """Train into the folder `run`; an interrupted run goes on at the epoch it stopped in.

    Raises TrainingError when `run` holds a run of other settings or other data.
    """
    _prepare(run, config, data)
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    batches_an_epoch = -(-len(data.splits["train"].labels) // config.batch_size)
    model = ARCHITECTURES[config.architecture]()
    model.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(config.learning_rate, batches_an_epoch * config.epochs)
        ),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    log = read_log(run)
    model.fit(
        FaceBatches(data.splits["train"], config, training=True, first_epoch=len(log)),
        validation_data=FaceBatches(data.splits["validation"], config, training=False),
        epochs=config.epochs,
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[
            keras.callbacks.ModelCheckpoint(
                str(run / BEST_FILE),
                monitor="val_accuracy",
                mode="max",
                save_best_only=True,
                initial_value_threshold=float(log["val_accuracy"].max()) if len(log) else None,
            ),
            keras.callbacks.CSVLogger(str(run / LOG_FILE), append=True),
            Curves(run),
            # The last, so that an epoch counts as done only when its log and its best network are written.
            keras.callbacks.BackupAndRestore(str(run / "backup"), delete_checkpoint=False),
        ],
    )


def read_log(run: Path) -> pd.DataFrame:
    """The epochs so far: columns epoch, accuracy, loss, val_accuracy, val_loss; empty before the first."""
    file = run / LOG_FILE
    if not file.exists():
        return pd.DataFrame({"epoch": [], "val_accuracy": []})
    return pd.read_csv(file).drop_duplicates("epoch", keep="last")


def read_config(run: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((run / CONFIG_FILE).read_text())
    except FileNotFoundError:
        raise TrainingError(f"{run} is no run folder: it has no {CONFIG_FILE}. Train first.") from None
    return config


def _prepare(run: Path, config: TrainingConfig, data: Fer2013) -> None:
    settings = asdict(config) | {"data_sha256": data.sha256}
    if (run / CONFIG_FILE).exists():
        before = {key: value for key, value in read_config(run).items() if key in settings}
        if before != settings:
            raise TrainingError(f"{run} holds a run with other settings or data. Name another folder with --run.")
        return
    run.mkdir(parents=True, exist_ok=True)
    record = settings | {"commit": _commit(), "backend": keras.backend.backend(), "keras": keras.__version__}
    (run / CONFIG_FILE).write_text(json.dumps(record, indent=2) + "\n")


def _commit() -> str:
    if commit := os.environ.get("TRAINING_COMMIT"):  # on a machine that has the files but not the repository
        return commit
    answer = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=40"], capture_output=True, text=True)
    return answer.stdout.strip() or "unknown"
