"""python -m training train|evaluate|export: parses and dispatches."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path

from ml.registry import MODELS_DIR, REFERENCE_MODEL, VALID_NAME
from training.augment import AUGMENTATIONS
from training.data import load_fer2013
from training.errors import TrainingError
from training.metrics import as_table
from training.quiet import silenced_stderr
from training.run_folder import RECIPES, TrainingConfig

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

Parser = argparse.ArgumentParser


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns 0, 1 for a TrainingError, 130 for Ctrl-C; wrong usage exits with 2."""
    options = build_parser().parse_args(arguments)
    try:
        options.run_command(options)
    except TrainingError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nStopped. {options.when_stopped}", file=sys.stderr)
        return 130
    return 0


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description="From FER-2013 to a released model.")
    commands = parser.add_subparsers(required=True, metavar="{train,evaluate,export}")

    def add(name: str, run_command: Callable[[argparse.Namespace], None], text: str, when_stopped: str) -> Parser:
        command: Parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.add_argument("--data", type=Path, required=True, metavar="CSV", help="fer2013.csv")
        command.add_argument(
            "--votes", type=Path, metavar="CSV", help="fer2013new.csv: the FER+ votes of the same rows"
        )
        command.add_argument("--cache", type=Path, default=Path("var/cache"), help="for decoded data (%(default)s)")
        command.set_defaults(run_command=run_command, when_stopped=when_stopped, wrong_usage=command.error)
        return command

    _add_training(
        add(
            "train",
            run_train,
            "train a network; an interrupted run goes on where it stopped",
            "The same command goes on at the epoch it stopped in.",
        )
    )
    _add_evaluation(add("evaluate", run_evaluate, "score a run or a released model", "Nothing was written."))
    _add_export(
        add(
            "export",
            run_export,
            "release a run's best epoch as ONNX, with a card of its measured figures",
            "Nothing was released.",
        )
    )
    return parser


def _add_training(train: Parser) -> None:
    train.add_argument("--run", type=Path, required=True, help="folder for the networks, the log and the curves")
    train.add_argument(
        "--architecture",
        choices=list(RECIPES),
        default="reference-cnn",
        help="network to train (%(default)s); it brings the defaults of what follows",
    )
    train.add_argument("--epochs", type=_positive(int), help="number of epochs")
    train.add_argument("--small-epochs", type=int, help="how many of them, from the first, on smaller faces: faster")
    train.add_argument("--batch-size", type=_positive(int), help="faces in a step")
    train.add_argument("--learning-rate", type=_positive(float), help="the highest")
    train.add_argument("--augmentation", choices=list(AUGMENTATIONS), help="how much faces are changed")
    train.add_argument(
        "--precision",
        choices=["float32", "mixed_bfloat16"],
        help="mixed_bfloat16 halves the time on processors with AMX (float32)",
    )
    train.add_argument("--seed", type=int, help="of weights, order, changes")


def _add_evaluation(evaluate: Parser) -> None:
    scored = evaluate.add_mutually_exclusive_group(required=True)
    scored.add_argument("--run", type=Path, help="folder of a run: its best epoch, through Keras")
    scored.add_argument("--model", help="a released model's name or folder, through ONNX Runtime")
    evaluate.add_argument(
        "--split",
        choices=["validation", "test"],
        default="validation",
        help="choose between models on validation only: the test split is to be run once per released model, "
        "and export does that (%(default)s)",
    )
    evaluate.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def _add_export(export: Parser) -> None:
    export.add_argument("--run", type=Path, required=True, help="folder of the run")
    export.add_argument("--name", type=_name, default=REFERENCE_MODEL, help="of the model (%(default)s)")
    export.add_argument("--version", default="1.0.0", help="of the model (%(default)s)")
    export.add_argument("--out", type=Path, default=MODELS_DIR, help="folder of the released models (ml/models)")
    export.add_argument(
        "--margin",
        type=_positive(float),
        default=1.0,
        help="side of the square cut from a photo over the longer side of the detected box (%(default)s)",
    )


def _positive(kind: type[int] | type[float]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        number = kind(text)
        if not 0 < number < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not a positive number")
        return number

    parse.__name__ = "number"  # argparse names it when the text is none
    return parse


def _name(text: str) -> str:
    if not VALID_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r}: use small letters, digits, dots and hyphens")
    return text


def run_train(options: argparse.Namespace) -> None:
    _load_keras()
    from training.train import train

    given = {field.name: getattr(options, field.name, None) for field in fields(TrainingConfig)}
    config = replace(
        RECIPES[options.architecture], **{name: value for name, value in given.items() if value is not None}
    )
    train(load_fer2013(options.data, options.cache, options.votes if config.ferplus else None), config, options.run)


def run_evaluate(options: argparse.Namespace) -> None:
    from training.evaluate import evaluate_release, evaluate_run

    data = load_fer2013(options.data, options.cache)
    if options.run:
        _load_keras()
        metrics = evaluate_run(options.run, data, options.split)
    else:
        metrics = evaluate_release(options.model, data, options.split)
    if options.json:
        print(json.dumps({"model": str(options.run or options.model), "split": options.split} | asdict(metrics)))
    else:
        print(as_table(metrics))


def run_export(options: argparse.Namespace) -> None:
    _load_keras()
    from training.export import export

    data = load_fer2013(options.data, options.cache)
    release = export(options.run, data, options.out, options.name, options.version, options.margin)
    print(f"Released {release}. Commit the folder; its card.json has the figures.")


def _load_keras() -> None:
    """Import the framework without its chatter; as late as this, so that --help answers at once."""
    try:
        with silenced_stderr():
            import keras

            keras.ops.zeros(1)  # the first use looks for devices, and says at length that there is none
    except ImportError as error:
        raise TrainingError(
            f"{error}. Install what training needs: pip install -r training/requirements.txt"
        ) from error


if __name__ == "__main__":
    sys.exit(main())
