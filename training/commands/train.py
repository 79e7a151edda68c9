"""python -m training train: trains a network."""

import argparse
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.options import add_command, add_data_options, emotions, load_keras, positive, share, whole
from training.config import RECIPES, TrainingConfig
from training.data.sources import load_faces
from training.errors import TrainingError
from training.fit.augmentation import AUGMENTATIONS

if TYPE_CHECKING:
    from training.commands.options import Commands

TEACHER_SHARE = 0.5
LARGEST_SEED = 2**32 - 1  # the largest that NumPy accepts


def add_to(commands: "Commands") -> None:
    """Add the command and its options."""
    command = add_command(
        commands,
        "train",
        run,
        "train a network; an interrupted run goes on where it stopped",
        when_stopped="The same command goes on at the epoch it stopped in.",
    )
    add_data_options(command)
    command.add_argument("--run", type=Path, required=True, help="folder for the networks, the log and the curves")
    _add_start_options(command)
    _add_network_options(command)
    _add_learning_options(command)


def _add_start_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="FOLDER",
        help="begin with the weights of this run or release, of the same architecture or the smaller one inside it",
    )
    command.add_argument(
        "--from-epoch",
        choices=["best", "latest"],
        default="best",
        help="for a run in --from: its best epoch, or its latest, which in a run that stopped during its small"
        " epochs may be ahead of it (%(default)s)",
    )
    command.add_argument(
        "--teacher",
        dest="teachers",
        action="append",
        default=[],
        type=Path,
        metavar="FOLDER",
        help="learn the answers of this run or released model, of any architecture, beside the labels; if given several"
        " times, the mean of all is learnt",
    )
    command.add_argument(
        "--teacher-share",
        type=share,
        help=f"share of the teachers' answers in the targets ({TEACHER_SHARE}); the rest is the labels",
    )


def _add_network_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--architecture",
        choices=list(RECIPES),
        default="reference-cnn",
        help="network to train (%(default)s); the defaults of the following options depend on it",
    )
    command.add_argument(
        "--classes",
        type=emotions,
        metavar="CLASS,CLASS,...",
        help="learn only these classes, without the faces of the others (all seven)",
    )
    command.add_argument("--epochs", type=positive(int), help="number of epochs")
    command.add_argument(
        "--small-epochs", type=whole(0), help="number of first epochs on smaller faces, which are faster"
    )


def _add_learning_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--batch-size", type=positive(int), help="number of faces per step")
    command.add_argument("--learning-rate", type=positive(float), help="highest learning rate")
    command.add_argument("--augmentation", choices=list(AUGMENTATIONS), help="how much faces are changed")
    command.add_argument(
        "--mixup",
        type=positive(float),
        metavar="STRENGTH",
        help="mix each face and its labels with another face: parameter of the Beta distribution of the shares",
    )
    command.add_argument(
        "--logit-adjustment",
        type=positive(float),
        metavar="STRENGTH",
        help="let the loss make up for how common classes are; at 1 the network answers as if all were equally common",
    )
    command.add_argument("--label-smoothing", type=share, help="smoothing of FER-2013's labels")
    command.add_argument("--weight-decay", type=positive(float), help="decoupled weight decay of SGD")
    command.add_argument(
        "--averaging", type=share, help="share of the old value in SGD's moving average of the weights"
    )
    command.add_argument(
        "--jit-compile",
        action=argparse.BooleanOptionalAction,
        help="compile the network; whether that is faster depends on the processor, see docs/training.md",
    )
    command.add_argument(
        "--precision",
        choices=["float32", "mixed_bfloat16"],
        help="mixed_bfloat16 halves the time on processors with AMX (float32)",
    )
    command.add_argument(
        "--seed", type=whole(0, LARGEST_SEED), help="seed of the first weights, the order and the changes of faces"
    )


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    load_keras()
    from training.fit.start import Start
    from training.fit.teacher import Teacher
    from training.fit.train import train

    config = build_config(options)
    if options.votes and not config.ferplus:
        raise TrainingError(f"The network {config.architecture!r} does not learn FER+'s votes. Leave out --votes.")
    faces = load_faces(options.data, options.cache, options.votes)
    start = Start(options.start, options.from_epoch) if options.start else None
    teachers = [Teacher.load(folder, options.cache) for folder in options.teachers]
    train(faces, config, options.run, start, teachers)


def build_config(options: argparse.Namespace) -> TrainingConfig:
    """Return the architecture's recipe with the settings that the options give.

    Raises TrainingError if an option is given without the other option that it belongs to.
    """
    if options.teacher_share is not None and not options.teachers:
        raise TrainingError("--teacher-share goes with --teacher: name the folder of the one to learn from.")
    if options.start is None and options.from_epoch != "best":
        raise TrainingError("--from-epoch goes with --from: name the folder of the run to begin with.")
    given = {field.name: getattr(options, field.name, None) for field in fields(TrainingConfig)}
    if options.teachers and options.teacher_share is None:
        given["teacher_share"] = TEACHER_SHARE
    return replace(RECIPES[options.architecture], **{name: value for name, value in given.items() if value is not None})
