"""python -m training evaluate"""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.options import add_command, add_data_options, load_keras
from training.data import LABELLINGS
from training.errors import TrainingError
from training.sources import load_faces

if TYPE_CHECKING:
    from training.commands.options import Commands


def add_to(commands: "Commands") -> None:
    command = add_command(
        commands, "evaluate", run, "score a run or a released model", when_stopped="Nothing was written."
    )
    add_data_options(command)
    scored = command.add_mutually_exclusive_group(required=True)
    scored.add_argument("--run", type=Path, help="folder of a run: its best epoch, through Keras")
    scored.add_argument("--model", help="a released model's name or folder, through ONNX Runtime")
    command.add_argument(
        "--split",
        choices=["validation", "test"],
        help="choose between models on validation only: the test split is to be run once per released model, "
        "and export does that (validation; all of a folder that has no splits)",
    )
    command.add_argument(
        "--labels",
        choices=LABELLINGS,
        help="whose labels to compare with; answered by the output for them (those that the model is served with)",
    )
    command.add_argument(
        "--flip",
        action="store_true",
        help="of a run: answer with the mean over the face and its mirror image; a released model does it or not",
    )
    command.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    command.add_argument("--report", type=Path, metavar="DIR", help="also write an HTML report with figures there")


def run(options: argparse.Namespace) -> None:
    from training.evaluate import as_text, evaluate_release, evaluate_run

    if options.flip and not options.run:
        raise TrainingError(
            "A released model averages over the mirror image or not: its file says so. Leave out --flip."
        )

    data = load_faces(options.data, options.cache, options.votes)
    split = options.split or ("validation" if len(data.splits) > 1 else next(iter(data.splits)))
    if options.run:
        load_keras()
        evaluated = evaluate_run(options.run, data, split, options.labels, flip=options.flip)
    else:
        evaluated = evaluate_release(options.model, data, split, options.labels)
    print(json.dumps(evaluated.as_dict()) if options.json else as_text(evaluated))
    if options.report:
        from training.evaluation_report import report

        written = report(evaluated, options.report)
        print(f"The report is {written}.", file=sys.stderr)
