"""python -m training eda: reports on a data set."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.options import add_command, add_data_options
from training.data.sources import load_faces

if TYPE_CHECKING:
    from training.commands.options import Commands


def add_to(commands: "Commands") -> None:
    """Add the command and its options."""
    command = add_command(
        commands,
        "eda",
        run,
        "explore the data: a report with class balance, samples, near-duplicates, doubtful labels",
        when_stopped="No report was written.",
    )
    add_data_options(command)
    command.add_argument("--out", type=Path, required=True, help="folder for report.html and its figures as PNGs")


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from training.figures.eda.explore import explore

    print(f"Wrote {explore(load_faces(options.data, options.cache, options.votes), options.out)}")
