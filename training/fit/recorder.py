"""Writes a run's files after each epoch, in an order that no interruption can harm."""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import pandas as pd

from training.errors import TrainingError
from training.files import write_atomically
from training.fit.curves import plot_curves
from training.fit.run_folder import (
    AVERAGED_FILE,
    BEST_FILE,
    COLUMNS,
    CURVES_FILE,
    FERPLUS_COLUMNS,
    FORMER_LATEST_FILE,
    LATEST_FILE,
    LOG_FILE,
    find_best_epoch,
    read_log,
)
from training.fit.trained import load_network, take_weights

KEPT = "The epochs before this one are kept: give the same command again when there is room."


class RunRecorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes the best network, the log, the curves and, last, the latest state of the training.

    Where the optimizer averages the weights, the averaged network is validated and kept as the best. An epoch counts
    as done once its latest state is written: one file with the weights and the optimizer, whose step count tells the
    epoch. It is moved into place whole. (Keras's BackupAndRestore writes the weights and the epoch number one after
    the other, so a kill between them trains an epoch twice.)
    """

    def __init__(self, run: Path, batches_an_epoch: int) -> None:
        super().__init__()
        self.run, self.batches_an_epoch = run, batches_an_epoch
        self.log = read_log(run)

    def restore(self, model: keras.Model) -> int:
        """Load the latest state into the compiled model and return the number of epochs done.

        A line that an unfinished epoch left in the log is dropped, as that epoch is trained again.
        Raises TrainingError as load_state does, or if the log lacks an epoch that the state has.
        """
        if (self.run / AVERAGED_FILE).exists() and not (self.run / LATEST_FILE).exists():
            self._begin_from_checkpoint(model)
        else:
            load_state(model, self.run)
        done = int(model.optimizer.iterations) // self.batches_an_epoch
        if len(self.log) < done:
            raise TrainingError(
                f"{self.run / LOG_FILE} has {len(self.log)} of the {done} epochs that are done, so the training cannot"
                " go on. Put the run's own file back, or name another folder with --run."
            )
        self.log = self.log[self.log["epoch"] < done]
        return done

    def _begin_from_checkpoint(self, model: keras.Model) -> None:
        """Take over the averaged weights of the last epoch, also as the averages, and set the optimizer's step."""
        file = self.run / AVERAGED_FILE
        take_weights(model, load_network(file), file)
        model.optimizer.build(model.trainable_variables)
        model.optimizer.iterations.assign(len(self.log) * self.batches_an_epoch)
        averages = [each for each in model.optimizer.variables if each.name.endswith("_average")]
        for average, weights in zip(averages, model.trainable_variables, strict=bool(averages)):
            average.assign(weights)

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        self._averaged = averaged_weights(self.model)
        self._averaged.__enter__()

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        self._averaged.__exit__(None, None, None)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        row = pd.DataFrame([{"epoch": epoch} | _rename_columns(logs or {})])
        row = row[[column for column in COLUMNS + FERPLUS_COLUMNS if column in row]]
        self.log = pd.concat([self.log, row], ignore_index=True) if len(self.log) else row
        if find_best_epoch(self.log) == epoch + 1:
            with averaged_weights(self.model):
                self._replace(BEST_FILE, self.model.save)
        self._replace(LOG_FILE, lambda file: self.log.to_csv(file, index=False))
        self._replace(CURVES_FILE, lambda file: plot_curves(self.log, file))
        self._replace(LATEST_FILE, self.model.save)

    def _replace(self, name: str, write: Callable[[Path], object]) -> None:
        """Write one of the run's files. Raises TrainingError if that fails; the former file then stays."""
        write_atomically(self.run / name, write, KEPT)


def load_state(model: keras.Model, run: Path) -> None:
    """Give the compiled model the weights and the optimizer of the run's latest state, if there is one.

    Raises TrainingError if the state belongs to another network or an earlier version.
    """
    file = run / LATEST_FILE
    if not file.exists():
        if (run / FORMER_LATEST_FILE).exists():
            raise TrainingError(
                f"{run} was trained by an earlier version, whose {FORMER_LATEST_FILE} this one cannot go on from. Its"
                " best epoch can still be evaluated and exported; to train further from it, name another folder with"
                " --run and this one with --from."
            )
        return
    model.optimizer.build(model.trainable_variables)
    try:
        model.load_weights(file)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise TrainingError(
            f"{file} is damaged or not a state of the network {model.name!r}, so the training"
            " cannot go on from it. Put the run's own file back, or name another folder with --run."
        ) from error


def _rename_columns(logs: dict[str, float]) -> dict[str, float]:
    """Give Keras's figures their names in the log, where those of FER-2013's labels have no prefix."""
    return {key.replace("fer_accuracy", "accuracy"): value for key, value in logs.items()}


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Give the model its averaged weights within the block, if its optimizer averages any."""
    if not getattr(model.optimizer, "use_ema", False):
        yield
        return
    weights = model.get_weights()
    model.optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        model.set_weights(weights)
