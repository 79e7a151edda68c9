"""python -m training choose: compares networks for a release."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.options import add_command, add_data_options, add_photo_options, load_keras, margins
from training.data.sources import load_faces

if TYPE_CHECKING:
    from training.commands.options import Commands


def add_to(commands: "Commands") -> None:
    """Add the command and its options."""
    command = add_command(
        commands,
        "choose",
        run,
        "compare networks on the validation split and on whole photos, to release the best of both",
        when_stopped="Nothing was chosen.",
    )
    command.add_argument(
        "folders",
        nargs="+",
        type=Path,
        metavar="FOLDER",
        help="folder of a run, a checkpoint, or a release with a network",
    )
    add_data_options(command)
    command.add_argument(
        "--margins",
        type=margins,
        default="0.9,1.0,1.1",
        help="margins to average over: side of the crop over the longer side of the detected box (%(default)s)",
    )
    add_photo_options(command)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    load_keras()
    from training.release.choice import compare_networks

    data = load_faces(options.data, options.cache, options.votes)
    candidates = compare_networks(options.folders, data, options.photos, options.margins, options.leave_out)
    print(f"{'merit':>7}{'FER-2013':>10}{'FER+':>8}{'photos':>8}{'recall':>8}  network")
    for each in candidates:
        validation = [f"{each.validation[name]:.1%}" if name in each.validation else "-" for name in ("fer", "ferplus")]
        photos = f"{each.photos_accuracy:>8.1%}{each.photos_recall:>8.3f}"
        print(f"{each.merit:>7.3f}{validation[0]:>10}{validation[1]:>8}{photos}  {each.folder}")
    print(f"\nThe best of both is {candidates[0].folder}.")
