"""`python -m ml analyse PHOTO...`: the pipeline from the command line."""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from ml.annotate import LONG_SIDE, annotated, save_new
from ml.errors import InvalidImage, ModelUnavailable
from ml.image import decode
from ml.pipeline import EmotionPipeline
from ml.registry import MODELS_DIR, REFERENCE_MODEL
from ml.report import as_json, as_text
from ml.types import PhotoAnalysis


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m ml", description="Find faces in photos and what they appear to show.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    analyse = commands.add_parser(
        "analyse",
        help="analyse photos",
        description="Find the faces of each photo and the emotion that each appears to show.",
        epilog="Exit status: 0 all photos analysed, 1 a photo or the model could not be read, 2 wrong usage.",
    )
    analyse.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="JPEG, PNG, WebP, HEIC, BMP or TIFF")
    analyse.add_argument("--json", action="store_true", help="print one JSON object a line instead of a table")
    analyse.add_argument("--annotate", type=Path, metavar="DIR", help="write copies with boxes and labels to DIR")
    analyse.add_argument("--model", default=REFERENCE_MODEL, metavar="NAME", help="released model (%(default)s)")
    analyse.add_argument("--models", type=Path, default=MODELS_DIR, metavar="DIR", help="folder of the released models")
    analyse.add_argument("--threads", type=_positive, default=1, metavar="N", help="threads for the nets (%(default)s)")
    return top


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        pipeline = EmotionPipeline.load(options.model, options.threads, models_dir=options.models)
    except ModelUnavailable as error:
        print(error, file=sys.stderr)
        return 1
    complete = True
    for photo in _with_progress(options.photos):
        complete &= _analyse(photo, pipeline, options)
    return 0 if complete else 1


def _analyse(photo: Path, pipeline: EmotionPipeline, options: argparse.Namespace) -> bool:
    """Print what is found in one photo; False if it cannot be analysed."""
    try:
        data = photo.read_bytes()
        analysis = pipeline.analyze(data)
        if options.annotate:
            save_new(annotated(decode(data, long_side=LONG_SIDE), analysis.faces), photo, options.annotate)
    except (InvalidImage, OSError) as error:
        _print_error(photo, _sentence(error), options.json)
        return False
    _print_analysis(photo, analysis, options.json)
    return True


def _sentence(error: InvalidImage | OSError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)


def _print_analysis(photo: Path, analysis: PhotoAnalysis, as_lines: bool) -> None:
    tqdm.write(json.dumps(as_json(str(photo), analysis)) if as_lines else as_text(str(photo), analysis))


def _print_error(photo: Path, sentence: str, as_lines: bool) -> None:
    if as_lines:
        tqdm.write(json.dumps({"file": str(photo), "error": sentence}))
    else:
        tqdm.write(f"{photo}: {sentence}", file=sys.stderr)


def _with_progress(photos: list[Path]) -> Iterable[Path]:
    hidden = len(photos) < 2 or not sys.stderr.isatty()
    return tqdm(photos, unit="photo", file=sys.stderr, leave=False, disable=hidden)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
