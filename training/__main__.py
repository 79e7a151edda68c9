"""python -m training train|evaluate|export"""

import argparse
import os
import sys
from pathlib import Path

from training.errors import TrainingError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description="From FER-2013 to a released model.")
    commands = parser.add_subparsers(dest="command", required=True)

    train = commands.add_parser("train", help="train a network; an interrupted run goes on")
    train.add_argument("--data", type=Path, required=True, help="fer2013.csv")
    train.add_argument("--run", type=Path, required=True, help="folder for checkpoints, log and curves")
    train.add_argument("--cache", type=Path, default=Path("var/cache"), help="folder for decoded data (%(default)s)")
    train.add_argument("--architecture", default="reference-cnn", help="network to train (%(default)s)")
    train.add_argument("--epochs", type=int, default=22, help="epochs at most (%(default)s)")
    train.add_argument("--batch-size", type=int, default=64, help="(%(default)s)")
    train.add_argument("--learning-rate", type=float, default=1e-3, help="Adam's at the start (%(default)s)")
    train.add_argument("--no-augmentation", action="store_true", help="show every face exactly as it is")
    train.add_argument(
        "--precision",
        choices=["float32", "mixed_bfloat16"],
        default="float32",
        help="mixed_bfloat16 halves the time on processors that have it (%(default)s)",
    )
    train.add_argument("--seed", type=int, default=2013, help="(%(default)s)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = build_parser().parse_args(arguments)
    try:
        match options.command:
            case "train":
                return run_train(options)
    except TrainingError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on where it stopped.", file=sys.stderr)
        return 130
    return 2


def run_train(options: argparse.Namespace) -> int:
    # Imported here so that --help answers at once.
    from training.architectures import ARCHITECTURES
    from training.data import load_fer2013
    from training.train import TrainingConfig, train

    if options.architecture not in ARCHITECTURES:
        raise TrainingError(f"No architecture {options.architecture!r}. There are: {', '.join(ARCHITECTURES)}.")
    config = TrainingConfig(
        architecture=options.architecture,
        epochs=options.epochs,
        batch_size=options.batch_size,
        learning_rate=options.learning_rate,
        augmentation=not options.no_augmentation,
        precision=options.precision,
        seed=options.seed,
    )
    train(load_fer2013(options.data, options.cache), config, options.run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
