"""python -m training evaluate: scores a run or a released model."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.options import add_command, add_data_options, load_keras
from training.data.dataset import LABELLINGS
from training.data.sources import load_faces
from training.errors import TrainingError
from training.files import write_atomically

if TYPE_CHECKING:
    from training.commands.options import Commands
    from training.figures.evaluated import Evaluated


def add_to(commands: "Commands") -> None:
    """Add the command and its options."""
    command = add_command(
        commands, "evaluate", run, "score a run or a released model", when_stopped="Nothing was written."
    )
    add_data_options(command)
    scored = command.add_mutually_exclusive_group(required=True)
    scored.add_argument("--run", type=Path, help="folder of a run, whose best epoch is scored through Keras")
    scored.add_argument("--model", help="name or folder of a released model, which is scored through ONNX Runtime")
    command.add_argument(
        "--split",
        choices=["validation", "test"],
        help="use validation to choose between models: the test split should be scored once per released model, "
        "and export does that (validation; all of a folder that has no splits)",
    )
    command.add_argument(
        "--labels",
        choices=LABELLINGS,
        help="labels to compare with; the output for them answers (the labels that the model is served with)",
    )
    command.add_argument(
        "--flip",
        action="store_true",
        help="for a run: answer with the mean over the face and its mirror image; in a released model this is fixed",
    )
    command.add_argument(
        "--whole-photos",
        action="store_true",
        help="for a released model: --data is a folder of whole photos, happy/01.jpg or happy-01.jpg; find the face in "
        "each and cut it as the model's card says. Without this, images are taken for faces that are cropped already",
    )
    command.add_argument(
        "--groups",
        type=Path,
        metavar="CSV",
        help="for a released model: score the whole photos in the folder --data by group; the file has the "
        "columns file, label and one or more of groups, such as age",
    )
    command.add_argument(
        "--write", action="store_true", help="with --groups: write the report to groups.json beside the model's card"
    )
    command.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    command.add_argument(
        "--report", type=Path, metavar="DIR", help="also write an HTML report with figures to this folder"
    )


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    if options.flip and not options.run:
        raise TrainingError(
            "Whether a released model averages over the mirror image is fixed in its file. Leave out --flip."
        )
    if options.groups:
        _report_groups(options)
        return
    if options.write:
        raise TrainingError("--write goes with --groups. Name a CSV file with --groups, or leave out --write.")
    evaluated = _evaluate_photos(options) if options.whole_photos else _evaluate_faces(options)
    print(json.dumps(evaluated.as_dict()) if options.json else evaluated.as_text())
    if options.report:
        from training.figures.evaluation_report import write_evaluation_report

        written = write_evaluation_report(evaluated, options.report)
        print(f"The report is {written}.", file=sys.stderr)


def _report_groups(options: argparse.Namespace) -> None:
    from training.figures.groups import evaluate_groups
    from training.figures.released import locate_release

    if options.run or not options.data.is_dir():
        raise TrainingError("--groups goes with --model and a folder: name the folder of the photos with --data.")
    if options.split or options.votes or options.labels or options.report:
        raise TrainingError(
            "--groups scores the model as it is served. Leave out --split, --votes, --labels, --report."
        )
    report = evaluate_groups(options.model, options.groups, options.data)
    print(json.dumps(report.as_dict()) if options.json else report.as_text())
    if options.write:
        file = locate_release(options.model) / "groups.json"
        text = json.dumps(report.as_dict(), indent=2) + "\n"
        write_atomically(file, lambda path: path.write_text(text, "utf-8"), "The former report was kept.")
        print(f"The report is {file}.", file=sys.stderr)


def _evaluate_photos(options: argparse.Namespace) -> "Evaluated":
    from training.figures.evaluate import evaluate_photos

    if options.run or not options.data.is_dir():
        raise TrainingError("--whole-photos goes with --model and a folder: name a folder of photos with --data.")
    if options.split or options.votes:
        raise TrainingError("Whole photos have neither splits nor votes. Leave out --split and --votes.")
    return evaluate_photos(options.model, options.data, options.labels)


def _evaluate_faces(options: argparse.Namespace) -> "Evaluated":
    from training.data.photos import holds_whole_photos
    from training.figures.evaluate import evaluate_release, evaluate_run

    if options.data.is_dir() and holds_whole_photos(options.data):
        print(
            f"The images of {options.data} are large, and cropped faces are expected. For whole photos name a model"
            " with --model, and add --whole-photos.",
            file=sys.stderr,
        )
    data = load_faces(options.data, options.cache, options.votes).named_after(options.data)
    split = options.split or ("validation" if len(data.splits) > 1 else next(iter(data.splits)))
    if options.run:
        load_keras()
        return evaluate_run(options.run, data, split, options.labels, flip=options.flip)
    return evaluate_release(options.model, data, split, options.labels)
