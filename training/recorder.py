"""What is written after each epoch, in an order that an interruption cannot hurt."""

from collections.abc import Callable
from pathlib import Path

import keras
import pandas as pd

from training.curves import plot_curves
from training.run_folder import BEST_FILE, CURVES_FILE, LATEST_FILE, LOG_COLUMNS, LOG_FILE, read_log


class RunRecorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the best network, the log, the curves and, as the last, the latest state of the training.

    An epoch counts as done once its latest state is written: one file with the weights and the
    optimizer, whose step count tells the epoch, moved into place whole. (Keras's BackupAndRestore writes
    weights and epoch number one after the other, so a kill between them repeats an epoch on top of itself.)
    """

    def __init__(self, run: Path, batches_an_epoch: int) -> None:
        super().__init__()
        self.run, self.batches_an_epoch = run, batches_an_epoch
        self.log = read_log(run)

    def restore(self, model: keras.Model) -> int:
        """Load the latest state into the compiled model; return the number of epochs done.

        What an unfinished epoch left in the log is dropped: that epoch is trained again.
        """
        done = 0
        if (self.run / LATEST_FILE).exists():
            model.optimizer.build(model.trainable_variables)
            model.load_weights(self.run / LATEST_FILE)
            done = int(model.optimizer.iterations) // self.batches_an_epoch
        self.log = self.log[self.log["epoch"] < done]
        return done

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        row = pd.DataFrame([{"epoch": epoch} | (logs or {})])[LOG_COLUMNS]
        if not len(self.log) or row.at[0, "val_accuracy"] > self.log["val_accuracy"].max():
            self._replace(BEST_FILE, self.model.save)
        self.log = pd.concat([self.log, row], ignore_index=True) if len(self.log) else row
        self._replace(LOG_FILE, lambda file: self.log.to_csv(file, index=False))
        self._replace(CURVES_FILE, lambda file: plot_curves(self.log, file))
        self._replace(LATEST_FILE, self.model.save_weights)

    def _replace(self, name: str, write: Callable[[Path], object]) -> None:
        file = self.run / name
        file.parent.mkdir(exist_ok=True)
        partial = file.with_name(f"partial-{file.name}")
        write(partial)
        partial.replace(file)
