"""Options and types of options that several commands share."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ml.labels import EMOTIONS, Emotion
from ml.registry import VALID_NAME
from training.commands.quiet import silenced_stderr
from training.errors import TrainingError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add_command(
    commands: "Commands", name: str, run_command: Callable[[argparse.Namespace], None], text: str, when_stopped: str
) -> argparse.ArgumentParser:
    """Add one command. `run_command` is called with its options; `when_stopped` is printed after Ctrl-C."""
    command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    command.set_defaults(run_command=run_command, when_stopped=when_stopped)
    return command


def add_data_options(command: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add --data, --votes and --cache."""
    command.add_argument(
        "--data",
        type=Path,
        required=required,
        metavar="PATH",
        help="fer2013.csv or icml_face_data.csv, or a folder of images: train/happy/*.png, test/sad/*.jpg and so on",
    )
    command.add_argument("--votes", type=Path, metavar="CSV", help="fer2013new.csv: the FER+ votes of the same rows")
    command.add_argument("--cache", type=Path, default=Path("var/cache"), help="folder for decoded data (%(default)s)")


def add_photo_options(command: argparse.ArgumentParser) -> None:
    """Add --photos and --leave-out."""
    command.add_argument(
        "--photos",
        type=Path,
        required=True,
        metavar="DIR",
        help="whole photos labelled by name: angry/00.jpg or angry-00.jpg",
    )
    add_leave_out(command)


def add_leave_out(command: argparse.ArgumentParser) -> None:
    """Add --leave-out."""
    command.add_argument(
        "--leave-out",
        type=classes,
        default=(),
        metavar="CLASSES",
        help="classes, divided by commas, whose photos do not count because their labels are mostly wrong",
    )


def positive(kind: type[int] | type[float]) -> Callable[[str], float]:
    """Return the type of an option that takes a positive number."""

    def parse(text: str) -> float:
        number = kind(text)
        if not 0 < number < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not a positive number")
        return number

    parse.__name__ = "number"  # argparse uses the name in its message
    return parse


def whole(lowest: int, highest: int | None = None) -> Callable[[str], int]:
    """Return the type of an option that takes a whole number within these bounds, inclusive."""

    def parse(text: str) -> int:
        number = int(text)
        if number < lowest or (highest is not None and number > highest):
            bounds = f"of {lowest} or more" if highest is None else f"from {lowest} to {highest}"
            raise argparse.ArgumentTypeError(f"{text} is not a whole number {bounds}")
        return number

    parse.__name__ = "whole number"  # argparse uses the name in its message
    return parse


def share(text: str) -> float:
    """Parse a share above 0 and at most 1."""
    number = float(text)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return number


def margin(text: str) -> float:
    """Parse the side of a crop over the longer side of the detected box, within what the pipeline accepts."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < 10:
        raise argparse.ArgumentTypeError(f"{text!r} is no margin: it must be a number above 0 and below 10")
    return number


def margins(text: str) -> list[float]:
    """Parse margins that are divided by commas."""
    return [margin(part) for part in text.split(",")]


def classes(text: str) -> tuple[Emotion, ...]:
    """Parse some of the seven classes; they are returned in FER-2013's order."""
    named = {part.strip() for part in text.split(",")}
    if unknown := sorted(named - set(EMOTIONS)):
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}. Choose from {', '.join(EMOTIONS)}")
    return tuple(each for each in EMOTIONS if each in named)


def emotions(text: str) -> tuple[Emotion, ...]:
    """Parse two or more of the seven classes; they are returned in FER-2013's order."""
    named = classes(text)
    if len(named) < 2:
        raise argparse.ArgumentTypeError("name two classes at least, divided by commas")
    return named


def model_name(text: str) -> str:
    """Parse the name of a released model."""
    if not VALID_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r}: use small letters, digits, dots and hyphens")
    return text


def load_keras() -> None:
    """Import the framework without its messages; only when it is needed, so that --help answers at once."""
    try:
        with silenced_stderr():
            import keras

            keras.ops.zeros(1)  # the first use looks for devices, and prints at length that there are none
    except ImportError as error:
        raise TrainingError(
            f"{error}. Install what training needs: pip install -r training/requirements.txt"
        ) from error
