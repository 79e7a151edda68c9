"""python -m training calibrate-crop: compares how wide faces are cut."""

import argparse
import json
from typing import TYPE_CHECKING

from ml.registry import CARD_FILE
from training.commands.options import add_command, add_photo_options, margin, margins
from training.errors import TrainingError
from training.figures.metrics import format_table

if TYPE_CHECKING:
    from training.commands.options import Commands

MARGINS = "0.9,0.95,1.0,1.05,1.1,1.2,1.3"


def add_to(commands: "Commands") -> None:
    """Add the command and its options."""
    command = add_command(
        commands,
        "calibrate-crop",
        run,
        "compare how wide a model's faces are cut from whole photos",
        when_stopped="Nothing was written.",
    )
    command.add_argument("--model", required=True, help="name or folder of a released model")
    command.add_argument(
        "--margins",
        type=margins,
        default=MARGINS,
        help="margins to compare: side of the crop over the longer side of the detected box (%(default)s)",
    )
    command.add_argument(
        "--freeze",
        type=margin,
        metavar="MARGIN",
        help="write this margin, which must be one of --margins, and its figures into the model's card",
    )
    command.add_argument(
        "--aligned",
        action=argparse.BooleanOptionalAction,
        help="with --freeze: let the pipeline turn faces until their eyes are level (no)",
    )
    add_photo_options(command)
    command.add_argument("--json", action="store_true", help="print a JSON list instead of a table")


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from training.figures.crops import compare_crops
    from training.figures.released import locate_release, read_release
    from training.release.crop import write_crop_to_card

    if options.aligned is not None and options.freeze is None:
        raise TrainingError(
            "--aligned only says what --freeze writes; without it both are measured. Name a margin with --freeze."
        )
    card, weights = read_release(options.model)
    if options.freeze not in (None, *options.margins):
        raise TrainingError(f"{options.freeze:g} is not measured. Name it in --margins too.")
    crops = compare_crops(weights, card, options.photos, options.margins, options.leave_out)
    chosen = max(crops, key=lambda crop: crop.metrics.accuracy)
    if options.freeze is not None:
        chosen = next(crop for crop in crops if (crop.margin, crop.aligned) == (options.freeze, bool(options.aligned)))
        write_crop_to_card(chosen, locate_release(options.model) / CARD_FILE)
    if options.json:
        print(json.dumps([crop.as_dict() for crop in crops]))
        return
    print(f"{card.model_version} on {chosen.metrics.images} photos, {chosen.faces_found} with a found face")
    print(f"{'margin':>8}{'aligned':>9}{'accuracy':>10}{'macro-F1':>10}")
    for crop in crops:
        accuracy, macro_f1 = crop.metrics.accuracy, crop.metrics.macro_f1
        print(f"{crop.margin:>8g}{_yes_or_no(crop.aligned):>9}{accuracy:>10.1%}{macro_f1:>10.3f}")
    title = "The most accurate" if options.freeze is None else "Frozen"
    print(
        f"\n{title}: margin {chosen.margin:g}, aligned {_yes_or_no(chosen.aligned)};"
        " recall counts photos without a found face"
    )
    print(format_table(chosen.metrics))


def _yes_or_no(aligned: bool) -> str:
    return "yes" if aligned else "no"
