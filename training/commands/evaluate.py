"""python -m training evaluate"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.options import add_command, add_data_options, load_keras
from training.data import load_fer2013
from training.metrics import as_table

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
        default="validation",
        help="choose between models on validation only: the test split is to be run once per released model, "
        "and export does that (%(default)s)",
    )
    command.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def run(options: argparse.Namespace) -> None:
    from training.evaluate import evaluate_release, evaluate_run

    data = load_fer2013(options.data, options.cache)
    if options.run:
        load_keras()
        metrics = evaluate_run(options.run, data, options.split)
    else:
        metrics = evaluate_release(options.model, data, options.split)
    if options.json:
        print(json.dumps({"model": str(options.run or options.model), "split": options.split} | asdict(metrics)))
    else:
        print(as_table(metrics))
