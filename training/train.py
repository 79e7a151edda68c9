"""One run: data and a configuration -> the best epoch's network, a log and curves."""

import sys
from collections.abc import Sequence
from pathlib import Path

import keras

from training.batches import FaceBatches, targets_of
from training.compiling import compile_model
from training.data import Fer2013
from training.errors import TrainingError
from training.losses import class_shares
from training.recorder import RunRecorder
from training.run_folder import (
    AVERAGED_FILE,
    CONFIG_FILE,
    LATEST_FILE,
    SMALL_SIZE,
    RunRecord,
    TrainingConfig,
    best_epoch,
    current_commit,
    open_run,
    read_record,
)
from training.start import Beginning, Start, load_start
from training.teacher import Teacher, mean_answers
from training.trained import build_network, take_weights


def train(
    data: Fer2013, config: TrainingConfig, run: Path, start: Start | None = None, teachers: Sequence[Teacher] = ()
) -> None:
    """Train into the folder `run`; an interrupted run goes on at the epoch it stopped in.

    The network begins with the weights of `start`, or with random ones; the training faces are labelled by
    themselves, or also by the mean of `teachers`.
    Raises TrainingError when `run` holds a run of other settings or other data, the votes or a split are
    missing, the weights of `start` are of another architecture or of other classes, or the network does not take
    the small faces that it is to begin with.
    """
    training, validation = data.split("train"), data.split("validation")
    if config.ferplus and training.votes is None:
        raise TrainingError("This network also learns the FER+ votes: name the fer2013new.csv with --votes.")
    surroundings = (data.sha256, data.votes_sha256, current_commit(), keras.backend.backend(), keras.__version__)
    begin, started_from = _beginning(run, start) if start else (None, "")
    answers = mean_answers(teachers, data, config)
    keras.utils.set_random_seed(config.seed)  # only now: a resumed run does not ask the teachers again
    keras.config.set_dtype_policy(config.precision)
    batches_an_epoch = len(FaceBatches(training, config))
    model = build_network(config)
    if config.small_epochs and model.input_shape[1] not in (None, SMALL_SIZE):
        raise TrainingError(
            f"The network {model.name!r} takes faces of {model.input_shape[1]} pixels only. Leave out --small-epochs."
        )
    if begin:
        if begin.classes != config.classes:
            raise TrainingError(
                f"{begin.file} tells {', '.join(begin.classes)} apart, not {', '.join(config.classes)}: its weights do"
                " not fit."
            )
        take_weights(model, begin.network, begin.file)
    taught_by = ", ".join(teacher.sha256 for teacher in teachers)
    open_run(run, RunRecord(config, *surroundings, started_from, taught_by))
    if begin:
        print(begin.told)
    elif start:
        print(f"It goes on from its own latest state: {start.folder} is not read again.")
    shares = {name: class_shares(target) for name, target in targets_of(training, config).items()}
    compile_model(model, config, batches_an_epoch * config.epochs, shares)
    recorder = RunRecorder(run, batches_an_epoch)
    done = recorder.restore(model)
    for phase in config.phases():
        if done >= phase.end:
            continue
        model.fit(
            FaceBatches(training, config, phase, first_epoch=done, teacher=answers),
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


def _beginning(run: Path, start: Start) -> tuple[Beginning | None, str]:
    """What the run begins with, and the sha256 of its file.

    Once the run has a state of its own only the recorded sha256 is needed: the folder of `start` may be gone by
    then, or be a run that has moved on. Raises TrainingError as load_start does.
    """
    has_state = any((run / file).exists() for file in (LATEST_FILE, AVERAGED_FILE))
    going_on = has_state and (run / CONFIG_FILE).exists()
    if going_on and (recorded := read_record(run).started_from):
        return None, recorded
    begin = load_start(start)
    return begin, begin.sha256
