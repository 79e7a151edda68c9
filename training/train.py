"""One run: data and a configuration -> the best epoch's network, a log and curves."""

import hashlib
import sys
from pathlib import Path

import keras

from training.batches import FaceBatches
from training.data import Fer2013
from training.errors import TrainingError
from training.recorder import RunRecorder
from training.run_folder import RunRecord, TrainingConfig, best_epoch, current_commit, open_run
from training.trained import build_network, load_network, starting_file, take_weights

MOMENTUM = 0.9
WARM_UP = 0.08  # part of the training during which the rate rises from nothing


def train(data: Fer2013, config: TrainingConfig, run: Path, start: Path | None = None) -> None:
    """Train into the folder `run`; an interrupted run goes on at the epoch it stopped in.

    The network begins with the weights of the run or release folder `start`, or with random ones.
    Raises TrainingError when `run` holds a run of other settings or other data, the votes or a split are
    missing, or the weights of `start` are another architecture's.
    """
    training, validation = data.split("train"), data.split("validation")
    if config.ferplus and training.votes is None:
        raise TrainingError("This network also learns the FER+ votes: name the fer2013new.csv with --votes.")
    surroundings = (data.sha256, data.votes_sha256, current_commit(), keras.backend.backend(), keras.__version__)
    start_file = None if start is None else starting_file(start)
    started_from = "" if start_file is None else hashlib.sha256(start_file.read_bytes()).hexdigest()
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    batches_an_epoch = len(FaceBatches(training, config))
    model = build_network(config)
    if start_file is not None:
        take_weights(model, load_network(start_file), start_file)
    open_run(run, RunRecord(config, *surroundings, started_from))
    compile_model(model, config, batches_an_epoch * config.epochs)
    recorder = RunRecorder(run, batches_an_epoch)
    done = recorder.restore(model)
    for phase in config.phases():
        if done >= phase.end:
            continue
        model.fit(
            FaceBatches(training, config, phase, first_epoch=done),
            validation_data=FaceBatches(validation, config),
            initial_epoch=done,
            epochs=phase.end,
            shuffle=False,  # FaceBatches does; Keras would draw from a state that a resumed run has not got
            verbose=1 if sys.stdout.isatty() else 2,
            callbacks=[recorder],
        )
        # Keras leaves the averaged weights in the network; the next phase goes on from the trained ones.
        done = recorder.restore(model)
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
        jit_compile=config.jit_compile or "auto",
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


def describe_loss(config: TrainingConfig) -> str:
    smoothed = f", smoothed by {config.label_smoothing:g}" if config.label_smoothing else ""
    votes = ", and of how FER+'s votes divide, added up" if config.ferplus else ""
    return f"categorical cross-entropy of FER-2013's labels{smoothed}{votes}"


def describe_optimizer(config: TrainingConfig) -> str:
    if config.optimizer == "adam":
        return "Adam, learning rate falling to zero along half a cosine"
    return (
        f"SGD with Nesterov momentum {MOMENTUM:g} and decoupled weight decay, learning rate rising during the first"
        f" {WARM_UP:.0%} of the steps, then falling to zero along half a cosine; the moving average of the weights is"
        " what is validated and released"
    )
