"""Trains one run: from data and a configuration to the best epoch's network, a log and curves."""

import sys
from collections.abc import Sequence
from pathlib import Path

import keras

from training.config import SMALL_SIZE, TrainingConfig
from training.data.dataset import Dataset
from training.errors import TrainingError
from training.fit.batches import FaceBatches, make_targets
from training.fit.compiling import compile_model
from training.fit.losses import measure_class_shares
from training.fit.recorder import RunRecorder
from training.fit.run_folder import (
    AVERAGED_FILE,
    CONFIG_FILE,
    LATEST_FILE,
    RunRecord,
    describe_commit,
    find_best_epoch,
    open_run,
    read_record,
)
from training.fit.start import Start, StartingNetwork, load_start
from training.fit.teacher import Teacher, average_answers
from training.fit.trained import build_network, take_weights


def train(
    data: Dataset, config: TrainingConfig, run: Path, start: Start | None = None, teachers: Sequence[Teacher] = ()
) -> None:
    """Train into the folder `run`; an interrupted run goes on at the epoch it stopped in.

    The network begins with the weights of `start`, or with random ones. If there are `teachers`, their mean answer is
    learnt beside the labels.
    Raises TrainingError if `run` holds a run with other settings or data, the votes or a split are missing, the
    weights of `start` belong to another architecture or other classes, or the network does not take small faces and
    `small_epochs` asks for them.
    """
    training, validation = data.split("train"), data.split("validation")
    if config.ferplus and training.votes is None:
        raise TrainingError("This network also learns the FER+ votes: name the fer2013new.csv with --votes.")
    recorded = (data.sha256, data.votes_sha256, describe_commit(), keras.backend.backend(), keras.__version__)
    begin, started_from = _load_beginning(run, start) if start else (None, "")
    answers = average_answers(teachers, data, config)
    keras.utils.set_random_seed(config.seed)  # only now, because a resumed run does not ask the teachers again
    keras.config.set_dtype_policy(config.precision)
    batches_an_epoch = len(FaceBatches(training, config))
    model = _build_network(config, begin)
    taught_by = ", ".join(teacher.sha256 for teacher in teachers)
    open_run(run, RunRecord(config, *recorded, started_from, taught_by))
    if begin:
        print(begin.message)
    elif start:
        print(f"The run goes on from its own latest state; {start.folder} is not read again.")
    shares = {name: measure_class_shares(target) for name, target in make_targets(training, config).items()}
    compile_model(model, config, batches_an_epoch * config.epochs, shares)
    recorder = RunRecorder(run, batches_an_epoch)
    done = recorder.restore(model)
    for phase in config.phases():
        if done >= phase.end:
            continue
        batches = FaceBatches(training, config, phase, first_epoch=done, teacher=answers)
        _fit_phase(model, batches, FaceBatches(validation, config), recorder)
        # Keras leaves the averaged weights in the network, but the next phase goes on from the trained ones.
        done = recorder.restore(model)
    best = find_best_epoch(recorder.log)
    print(
        f"{run} is finished: {config.epochs} epochs, the best was epoch {best}"
        f" with validation accuracy {recorder.log['val_accuracy'].iloc[best - 1]:.2%}."
    )


def _build_network(config: TrainingConfig, begin: StartingNetwork | None) -> keras.Model:
    """Build the network, with the weights of `begin` if there is one. Raises TrainingError as train does."""
    model = build_network(config)
    if config.small_epochs and model.input_shape[1] not in (None, SMALL_SIZE):
        raise TrainingError(
            f"The network {model.name!r} takes faces of {model.input_shape[1]} pixels only. Leave out --small-epochs."
        )
    if begin:
        _take_weights_of(begin, model, config)
    return model


def _take_weights_of(begin: StartingNetwork, model: keras.Model, config: TrainingConfig) -> None:
    if begin.classes != config.classes:
        raise TrainingError(
            f"{begin.file} tells {', '.join(begin.classes)} apart, not {', '.join(config.classes)}: its weights do"
            " not fit."
        )
    take_weights(model, begin.network, begin.file)


def _fit_phase(model: keras.Model, batches: FaceBatches, validation: FaceBatches, recorder: RunRecorder) -> None:
    """Train the epochs of one phase that are left."""
    assert batches.phase is not None  # noqa: S101
    model.fit(
        batches,
        validation_data=validation,
        initial_epoch=batches.epoch,
        epochs=batches.phase.end,
        shuffle=False,  # FaceBatches shuffles; Keras would draw from a state that a resumed run does not have
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[recorder],
    )


def _load_beginning(run: Path, start: Start) -> tuple[StartingNetwork | None, str]:
    """Return the network that the run begins with, and the sha256 of its file.

    Once the run has a state of its own, only the recorded sha256 is returned: the folder of `start` may be gone by
    then, or hold a run that has moved on. Raises TrainingError as load_start does.
    """
    has_state = any((run / file).exists() for file in (LATEST_FILE, AVERAGED_FILE))
    going_on = has_state and (run / CONFIG_FILE).exists()
    if going_on and (recorded := read_record(run).started_from):
        return None, recorded
    begin = load_start(start)
    return begin, begin.sha256
