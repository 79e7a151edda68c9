"""One run: data and a configuration -> the best epoch's network, a log and curves."""

import sys
from pathlib import Path

import keras

from training.architectures import ARCHITECTURES
from training.batches import FaceBatches
from training.data import Fer2013
from training.errors import TrainingError
from training.recorder import RunRecorder
from training.run_folder import RunRecord, TrainingConfig, best_epoch, current_commit, open_run

MOMENTUM = 0.9
WARM_UP = 0.08  # part of the training during which the rate rises from nothing


def train(data: Fer2013, config: TrainingConfig, run: Path) -> None:
    """Train into the folder `run`; an interrupted run goes on at the epoch it stopped in.

    Raises TrainingError when `run` holds a run of other settings or other data, or the votes are missing.
    """
    if config.ferplus and data.splits["train"].votes is None:
        raise TrainingError("This network also learns the FER+ votes: name the fer2013new.csv with --votes.")
    surroundings = (data.sha256, data.votes_sha256, current_commit(), keras.backend.backend(), keras.__version__)
    open_run(run, RunRecord(config, *surroundings))
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    batches_an_epoch = -(-len(data.splits["train"].labels) // config.batch_size)
    model = ARCHITECTURES[config.architecture](config.labellings)
    compile_model(model, config, batches_an_epoch * config.epochs)
    recorder = RunRecorder(run, batches_an_epoch)
    done = recorder.restore(model)
    validation = FaceBatches(data.splits["validation"], config)
    for phase in config.phases():
        if done >= phase.end:
            continue
        model.fit(
            FaceBatches(data.splits["train"], config, phase, first_epoch=done),
            validation_data=validation,
            initial_epoch=done,
            epochs=phase.end,
            shuffle=False,  # FaceBatches does; Keras would draw from a state that a resumed run has not got
            verbose=1 if sys.stdout.isatty() else 2,
            callbacks=[recorder],
        )
        done = phase.end
    best = best_epoch(recorder.log)
    print(
        f"{run} is finished: {config.epochs} epochs, the best was epoch {best}"
        f" with validation accuracy {recorder.log['val_accuracy'].iloc[best - 1]:.2%}."
    )


def compile_model(model: keras.Model, config: TrainingConfig, steps: int) -> None:
    """Give the network its losses and an optimizer whose rate falls to zero along half a cosine within `steps`."""
    losses = {"fer": keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)}
    if config.ferplus:
        losses["ferplus"] = keras.losses.CategoricalCrossentropy()
    model.compile(
        _optimizer(config, steps),
        loss=losses,
        jit_compile=True,  # Keras would not on a CPU, where it nearly halves the time of a step on small faces
        weighted_metrics={labelling: [keras.metrics.CategoricalAccuracy("accuracy")] for labelling in losses},
    )


def _optimizer(config: TrainingConfig, steps: int) -> keras.optimizers.Optimizer:
    if config.optimizer == "adam":
        return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(config.learning_rate, steps))
    warm_up = round(steps * WARM_UP)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warm_up, warmup_target=config.learning_rate, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.SGD(
        schedule,
        momentum=MOMENTUM,
        nesterov=True,
        weight_decay=config.weight_decay,
        use_ema=True,
        ema_momentum=config.averaging,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
