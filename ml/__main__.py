"""Runs the pipeline from the command line: `python -m ml analyse PHOTO...` and `python -m ml detect PHOTO...`."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from ml.annotate import LONG_SIDE, annotate_photo, save_as_new
from ml.detection.loading import load_detector
from ml.detector_file import DetectorFile
from ml.errors import InvalidImage, ModelUnavailable
from ml.photo import ACCEPTED
from ml.pipeline import EmotionPipeline, detect_faces
from ml.registry import DEFAULT_MODEL, MODELS_DIR
from ml.report import (
    format_analysis_as_json,
    format_analysis_as_text,
    format_detection_as_json,
    format_detection_as_text,
)
from ml.sandbox import decode, start_sandbox
from ml.terminal import prepare_output
from ml.types import FaceDetection, FaceEmotion

_Result = tuple[tuple[FaceEmotion | FaceDetection, ...], dict[str, Any], str]  # faces, as JSON, as text
_Examine = Callable[[str, bytes], _Result]  # takes the name and the bytes of a photo
_Commands = Any  # argparse has no public type for its group of commands


def build_parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m ml", description="Find faces in photos and what they appear to show.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    analyse = _command(commands, "analyse", "Find the faces of each photo and the emotion that each appears to show.")
    analyse.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="NAME", help="name of the released model (%(default)s)"
    )
    analyse.add_argument("--models", type=Path, default=MODELS_DIR, metavar="DIR", help="folder of the released models")
    analyse.set_defaults(load=_load_analysis)
    detect = _command(commands, "detect", "Find the faces of each photo, with their landmarks.")
    detect.set_defaults(load=_load_detection)
    return top


def _command(commands: _Commands, name: str, description: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        help=f"{name} photos" if name == "analyse" else "find faces only",
        description=description,
        epilog="Exit status: 0 all photos done, 1 a photo or a model could not be read, 2 wrong usage.",
    )
    command.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help=ACCEPTED)
    command.add_argument("--json", action="store_true", help="print one JSON object a line instead of a table")
    command.add_argument("--annotate", type=Path, metavar="DIR", help="write copies with boxes and labels to DIR")
    command.add_argument("--threads", type=_positive, default=1, metavar="N", help="threads for the nets (%(default)s)")
    add_detector_arguments(command)
    return command


def main(arguments: list[str] | None = None) -> int:
    """Run a command. Returns 0, or 1 if a photo or a model could not be read."""
    top = build_parser()
    options = top.parse_args(arguments)
    try:
        examine = options.load(options, read_detector_options(top, options))
    except ModelUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    complete = True
    for photo in _with_progress(options.photos):
        complete &= _report(photo, examine, options)
    return 0 if complete else 1


def _load_analysis(options: argparse.Namespace, file: DetectorFile | None) -> _Examine:
    pipeline = EmotionPipeline.load(options.model, options.threads, models_dir=options.models, detector_file=file)

    def examine(photo: str, data: bytes) -> _Result:
        analysis = pipeline.analyze(data)
        return analysis.faces, format_analysis_as_json(photo, analysis), format_analysis_as_text(photo, analysis)

    return examine


def _load_detection(options: argparse.Namespace, file: DetectorFile | None) -> _Examine:
    cv2.setNumThreads(options.threads)
    detector = load_detector(file, options.threads)
    start_sandbox()
    detector.detect(np.zeros((480, 640, 3), np.uint8))  # so that the first photo takes no longer than the others

    def examine(photo: str, data: bytes) -> _Result:
        found = detect_faces(detector, data)
        return found.faces, format_detection_as_json(photo, found), format_detection_as_text(photo, found)

    return examine


def _report(photo: Path, examine: _Examine, options: argparse.Namespace) -> bool:
    """Print what is found in one photo. Returns False if it cannot be analysed."""
    try:
        data = photo.read_bytes()
        faces, as_object, as_lines = examine(str(photo), data)
        if options.annotate:
            save_as_new(annotate_photo(decode(data, long_side=LONG_SIDE), faces), photo, options.annotate)
    except (InvalidImage, OSError) as error:
        _print_error(photo, _describe_error(error, photo), options.json)
        return False
    tqdm.write(json.dumps(as_object) if options.json else as_lines)
    return True


def _describe_error(error: InvalidImage | OSError, photo: Path) -> str:
    """Say what went wrong, and name the file unless it is the photo, which is named anyway."""
    if isinstance(error, OSError) and error.strerror:
        other = str(error.filename) if error.filename and Path(error.filename) != photo else ""
        return f"{error.strerror}: {other}" if other else f"{error.strerror}."
    return str(error)


def _print_error(photo: Path, sentence: str, as_lines: bool) -> None:
    if as_lines:
        tqdm.write(json.dumps({"file": str(photo), "error": sentence}))
    else:
        tqdm.write(f"{photo}: {sentence}", file=sys.stderr)


def _with_progress(photos: list[Path]) -> Iterable[Path]:
    hidden = len(photos) < 2 or not sys.stderr.isatty()
    return tqdm(photos, unit="photo", file=sys.stderr, leave=False, disable=hidden)


def add_detector_arguments(command: argparse.ArgumentParser) -> None:
    """Add --detector-model and --detector-sha256."""
    command.add_argument("--detector-model", type=Path, metavar="FILE", help="a YuNet ONNX file, instead of MTCNN")
    command.add_argument("--detector-sha256", metavar="HEX", help="SHA-256 that the detector's file must have")


def read_detector_options(command: argparse.ArgumentParser, options: argparse.Namespace) -> DetectorFile | None:
    """Return the file that the options name. Wrong usage ends the program."""
    if bool(options.detector_model) != bool(options.detector_sha256):
        command.error("give --detector-model and --detector-sha256 together")
    return DetectorFile(options.detector_model, options.detector_sha256) if options.detector_model else None


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    prepare_output()
    sys.exit(main())
