"""python -m training COMMAND: parses the command line and runs the command."""

import argparse
import os
import sys

from ml.terminal import prepare_output
from training.commands import (
    calibrate_crop,
    checkpoint,
    choose,
    corrections_export,
    eda,
    evaluate,
    export,
    knn,
    plan,
    train,
)
from training.errors import TrainingError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

COMMANDS = (eda, knn, train, plan, checkpoint, evaluate, choose, export, calibrate_crop, corrections_export)


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns 0, 1 after a TrainingError, 130 after Ctrl-C; wrong usage exits with 2."""
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
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return parser


if __name__ == "__main__":
    prepare_output()
    sys.exit(main())
