"""One run: data and a configuration -> the best epoch's network, a log and curves."""

import sys
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from ml.labels import EMOTIONS
from ml.preprocessing import normalise
from ml.types import FaceInputs
from training.architectures import ARCHITECTURES
from training.augment import augment
from training.data import Fer2013, Split
from training.recorder import RunRecorder
from training.run_folder import RunRecord, TrainingConfig, best_epoch, current_commit, open_run


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

    def __getitem__(self, index: int) -> tuple[FaceInputs, NDArray[np.float32]]:
        rows = self.order[index * self.config.batch_size : (index + 1) * self.config.batch_size]
        faces = self.split.faces[rows]
        if self.training and self.config.augmentation:
            faces = augment(faces, np.random.default_rng((self.config.seed, self.epoch, index)))
        labels = np.eye(len(EMOTIONS), dtype=np.float32)[self.split.labels[rows]]
        return normalise(faces, self.config.preprocessing), labels

    def on_epoch_end(self) -> None:
        # Keras calls this once more before the first epoch, whether it begins at 0 or goes on later.
        self.epoch += 1
        self._shuffle()


def train(data: Fer2013, config: TrainingConfig, run: Path) -> None:
    """Train into the folder `run`; an interrupted run goes on at the epoch it stopped in.

    Raises TrainingError when `run` holds a run of other settings or other data.
    """
    open_run(run, RunRecord(config, data.sha256, current_commit(), keras.backend.backend(), keras.__version__))
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    batches_an_epoch = -(-len(data.splits["train"].labels) // config.batch_size)
    model = ARCHITECTURES[config.architecture]()
    schedule = keras.optimizers.schedules.CosineDecay(config.learning_rate, batches_an_epoch * config.epochs)
    model.compile(keras.optimizers.Adam(schedule), loss="categorical_crossentropy", metrics=["accuracy"])
    recorder = RunRecorder(run, batches_an_epoch)
    done = recorder.restore(model)
    if done < config.epochs:
        model.fit(
            FaceBatches(data.splits["train"], config, training=True, first_epoch=done),
            validation_data=FaceBatches(data.splits["validation"], config, training=False),
            initial_epoch=done,
            epochs=config.epochs,
            shuffle=False,  # FaceBatches does; Keras would draw from a state that a resumed run has not got
            verbose=1 if sys.stdout.isatty() else 2,
            callbacks=[recorder],
        )
    print(
        f"{run} is finished: {config.epochs} epochs, the best was epoch {best_epoch(recorder.log)}"
        f" with validation accuracy {recorder.log['val_accuracy'].max():.2%}."
    )
