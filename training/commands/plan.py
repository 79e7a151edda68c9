"""python -m training plan: trains the runs of a plan."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.options import add_command, add_data_options

if TYPE_CHECKING:
    from training.commands.options import Commands


def add_to(commands: "Commands") -> None:
    """Add the command and its options."""
    command = add_command(
        commands,
        "plan",
        run,
        "train one run after the other, with the lowest priority",
        when_stopped="The same command goes on at the epoch it stopped in.",
    )
    command.add_argument("file", type=Path, metavar="FILE", help="TOML with one [[run]] per run; see docs/training.md")
    add_data_options(command, required=False)
    command.add_argument(
        "--runs", type=Path, default=Path("runs"), help="folder for the runs and the log (%(default)s)"
    )
    command.add_argument(
        "--checkpoints",
        type=Path,
        help="folder with the checkpoints of runs that were begun elsewhere (a folder beside FILE with its name)",
    )
    command.add_argument("--check", action="store_true", help="only print how far each run is")
    command.set_defaults(usage_error=command.error)


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    if not (options.check or options.data):
        options.usage_error("the following arguments are required without --check: --data")
    from training.commands.plan_file import read_plan
    from training.fit.background import run_plan, yield_to_others
    from training.fit.run_folder import read_log

    plan = read_plan(options.file, options.runs)
    checkpoints = options.checkpoints or options.file.with_suffix("")
    for each in plan:
        begun = not each.folder.exists() and (checkpoints / each.name).is_dir()
        done = len(read_log(checkpoints / each.name)) if begun else each.epochs_done()
        print(f"{each.name}: {done} of {each.config.epochs} epochs are done" + ", in its checkpoint" * begun)
    if options.check:
        return
    yield_to_others()
    votes = ["--votes", str(options.votes)] if options.votes else []
    run_plan(plan, options.runs, checkpoints, ["--data", str(options.data), *votes, "--cache", str(options.cache)])
