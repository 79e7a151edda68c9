"""Reads a plan: a TOML file that lists runs and what each asks the command `train` for.

    [[run]]
    name = "first"
    architecture = "residual"
    epochs = 30
    from = "ml/models/residual"

    [[run]]
    name = "second"
    from = "first"

The keys of a run are the long options of `python -m training train`. Where an option names a folder, as "from" and
"teacher" do, the name of a run above stands for that run's folder.
"""

import argparse
import difflib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ml.registry import VALID_NAME
from training.commands import train
from training.errors import TrainingError
from training.fit.planned_run import PlannedRun

if TYPE_CHECKING:
    from training.commands.options import Commands

# Given once on the command line, because they depend on the machine.
OF_ALL_RUNS = ("--data", "--votes", "--cache", "--run")
FOLDERS = ("from", "teacher")


def read_plan(file: Path, runs: Path) -> list[PlannedRun]:
    """Return the runs of a plan in order; each gets a folder of its name below `runs`.

    Raises TrainingError that names the line, or the run and its key, if anything in the plan is wrong.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TrainingError(f"There is no file {file}. Name a plan, a TOML file with a [[run]] for each run.") from None
    except OSError as error:
        raise TrainingError(f"{file} cannot be read ({error.strerror or error}).") from error
    except ValueError as error:  # wrong TOML, whose error names line and column, or wrong UTF-8
        raise TrainingError(f"{file} is no TOML file: {error}") from error
    tables = content.pop("run", [])
    if content:
        raise TrainingError(f"{file}: {', '.join(content)} is unknown. A plan has [[run]] tables, nothing else.")
    if not (isinstance(tables, list) and tables and all(isinstance(table, dict) for table in tables)):
        raise TrainingError(f"{file} has no runs. Begin each with a line [[run]], and give it a name.")
    planned: dict[str, PlannedRun] = {}
    for number, table in enumerate(tables, start=1):
        try:
            run = _read_run(table, planned, runs)
        except TrainingError as error:
            raise TrainingError(f"{file}, run {number} ({table.get('name', 'no name')}): {error}") from error
        planned[run.name] = run
    return list(planned.values())


def _read_run(table: dict[str, Any], before: dict[str, PlannedRun], runs: Path) -> PlannedRun:
    settings = dict(table)
    name = settings.pop("name", None)
    if not (isinstance(name, str) and VALID_NAME.fullmatch(name)):
        raise TrainingError("name: give it one, of letters, digits and hyphens. It names the run's folder too.")
    if name in before:
        raise TrainingError("name: a run above has it already. Give each run its own.")
    for key in FOLDERS:
        if key in settings:
            settings[key] = _resolve_folders(key, settings[key], before)
    parser = _train_parser()
    arguments = [argument for key, value in settings.items() for argument in _as_arguments(key, value, parser)]
    options = parser.parse_args([*arguments, "--data", "data", "--run", "run"])
    return PlannedRun(name, runs / name, arguments, train.build_config(options))


def _resolve_folders(key: str, value: object, before: dict[str, PlannedRun]) -> list[str]:
    """Return the paths, with the names of runs above replaced by their folders."""
    values = value if isinstance(value, list) else [value]
    names = [each for each in values if isinstance(each, str)]
    if names != values:
        raise TrainingError(f"{key}: name a run above, or a folder.")
    folders = [before[each].folder if each in before else Path(each) for each in names]
    for folder in folders:
        if not folder.is_dir() and folder not in [run.folder for run in before.values()]:
            raise TrainingError(f"{key}: there is no run of this name above, and no folder {folder}.")
    return [str(folder) for folder in folders]


def _as_arguments(key: str, value: object, parser: argparse.ArgumentParser) -> list[str]:
    option = f"--{key}"
    known = {each for action in parser._actions for each in action.option_strings} - {*OF_ALL_RUNS, "-h", "--help"}
    if option in OF_ALL_RUNS:
        raise TrainingError(f"{key}: it is the same for all runs. Give {option} on the command line.")
    if option not in known or key.startswith("no-"):
        similar = difflib.get_close_matches(option, known, 1)
        advice = f"Did you mean {similar[0].removeprefix('--')}?" if similar else "See python -m training train --help."
        raise TrainingError(f"{key}: there is no such setting. {advice}")
    if isinstance(value, bool):
        if f"--no-{key}" not in known:
            raise TrainingError(f"{key}: it is not true or false.")
        return [option if value else f"--no-{key}"]
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str | int | float) for each in values):
        raise TrainingError(f"{key}: it cannot be {value}. Give a number or a text.")
    return [f"{option}={each}" for each in values]


class _Parser(argparse.ArgumentParser):
    """Raises TrainingError where argparse would print the error and exit."""

    def error(self, message: str) -> NoReturn:
        raise TrainingError(message.removeprefix("argument --"))


def _train_parser() -> argparse.ArgumentParser:
    commands: Commands = argparse.ArgumentParser().add_subparsers(parser_class=_Parser)
    train.add_to(commands)
    return commands.choices["train"]
