"""python -m training corrections-export: exports the faces that staff corrected."""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.options import add_command
from training.errors import TrainingError

if TYPE_CHECKING:
    from training.commands.options import Commands

MANAGE = Path(__file__).parents[2] / "manage.py"


def add_to(commands: "Commands") -> None:
    """Add the command and its options."""
    command = add_command(
        commands,
        "corrections-export",
        run,
        "write the faces that staff corrected in the CRM as a class-named folder",
        when_stopped="Nothing was exported.",
    )
    command.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for the faces, which must be new or empty"
    )


def run(options: argparse.Namespace) -> None:
    """Let the CRM export in a process of its own, because training knows no Django. Exits with its status if not 0."""
    if not MANAGE.exists():
        raise TrainingError(f"{MANAGE} is missing: corrections are exported where the CRM is installed.")
    command = [sys.executable, str(MANAGE), "export_corrections", "--out", str(options.out.absolute())]
    finished = subprocess.run(command)  # noqa: S603 - our own program
    if finished.returncode:
        raise SystemExit(finished.returncode)
