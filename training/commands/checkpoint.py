"""python -m training checkpoint: writes a checkpoint of a run."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.options import add_command, load_keras

if TYPE_CHECKING:
    from training.commands.options import Commands


def add_to(commands: "Commands") -> None:
    """Add the command and its options."""
    command = add_command(
        commands,
        "checkpoint",
        run,
        "make a folder small enough to commit from a run, even while it is training",
        when_stopped="Give the same command again: the checkpoint may be incomplete.",
    )
    command.add_argument("--run", type=Path, required=True, help="folder of the run")
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="folder for the checkpoint, in place of an older one of the same run; `plan` looks for it in PLAN/RUN"
        " beside PLAN.toml",
    )


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    load_keras()
    from training.fit.checkpoint import write_checkpoint

    write_checkpoint(options.run, options.out)
    size = sum(file.stat().st_size for file in options.out.rglob("*") if file.is_file())
    print(f"{options.out} has {size / 1e6:.1f} MB. A plan, evaluate, export and train --from take it as the run.")
