"""python -m training export: releases a run."""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ml.registry import MODELS_DIR
from training.commands.options import add_command, add_data_options, add_leave_out, load_keras, margin, model_name
from training.data.dataset import LABELLINGS
from training.data.sources import load_faces

if TYPE_CHECKING:
    from training.commands.options import Commands

VALID_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")


def add_to(commands: "Commands") -> None:
    """Add the command and its options."""
    command = add_command(
        commands,
        "export",
        run,
        "release a run's best epoch as ONNX, with a card of its measured figures",
        when_stopped="Nothing was released.",
    )
    add_data_options(command)
    command.add_argument("--run", type=Path, required=True, help="folder of the run")
    command.add_argument("--name", type=model_name, help="name of the model (the architecture of the run)")
    command.add_argument("--version", type=_version, default="1.0.0", help="version of the model (%(default)s)")
    command.add_argument("--out", type=Path, default=MODELS_DIR, help="folder of the released models (ml/models)")
    command.add_argument(
        "--margin",
        type=margin,
        default=1.0,
        help="side of the square cut from a photo over the longer side of the detected box (%(default)s)",
    )
    command.add_argument(
        "--aligned",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="let the pipeline turn faces until their eyes are level (no)",
    )
    command.add_argument(
        "--serve",
        choices=LABELLINGS,
        help="labels in which the model answers (ferplus if it learnt them, otherwise fer)",
    )
    command.add_argument(
        "--flip",
        action="store_true",
        help="build the mean over the face and its mirror image into the model, which is better and slower",
    )
    command.add_argument(
        "--int8",
        action="store_true",
        help="release the INT8 variant instead, as NAME-int8; refused if it costs half a point of validation accuracy",
    )
    command.add_argument(
        "--photos",
        type=Path,
        metavar="DIR",
        help="whole photos labelled by name: adjust the answers for the shares of the classes in training, and choose"
        " the threshold of uncertain answers, on the validation split and these photos together",
    )
    add_leave_out(command)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    load_keras()
    from training.release.export import ReleaseOptions, export

    wanted = ReleaseOptions(
        name=options.name,
        version=options.version,
        margin=options.margin,
        aligned=options.aligned,
        serve=options.serve,
        flip=options.flip,
        int8=options.int8,
        photos=options.photos,
        left_out=options.leave_out,
    )
    data = load_faces(options.data, options.cache, options.votes).named_after(options.data)
    release = export(options.run, data, options.out, wanted)
    print(f"Released {release}. Commit the folder; its card.json has the figures.")


def _version(text: str) -> str:
    if not VALID_VERSION.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r}: use letters, digits, dots, hyphens and plus signs")
    return text
