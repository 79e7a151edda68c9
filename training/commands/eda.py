"""python -m training eda"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.options import add_command, add_data_options
from training.sources import load_faces

if TYPE_CHECKING:
    from training.commands.options import Commands


def add_to(commands: "Commands") -> None:
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
    from training.eda.explore import explore

    print(f"Wrote {explore(load_faces(options.data, options.cache, options.votes), options.out)}")
