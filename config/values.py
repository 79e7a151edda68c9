"""Check the values of settings, and end the program with a sentence for those that cannot be used."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from environs import ValidationError

Value = TypeVar("Value")


def known_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError("Give the name of a time zone, such as Europe/Berlin.") from error


def known_file(path: Path) -> None:
    if not path.is_file():
        raise ValidationError(f"There is no file {path}.")


def not_negative(numbers: list[int]) -> None:
    if any(number < 0 for number in numbers):
        raise ValidationError("Give numbers of seconds, separated by commas.")


def secret(parse: Callable[..., Value], name: str, default: str, **options: Any) -> Value:
    """Return the value of NAME, or the contents of the file in NAME_FILE."""
    try:
        return parse(name, default, **options)
    except ValueError as error:  # the file cannot be read; wrong values are collected and reported later
        sys.exit(f"Wrong configuration. {error} What may be set is listed in .env.example.")


def refuse(why: str) -> NoReturn:
    """End the program for settings that do not go together."""
    sys.exit(f"Wrong configuration. {why} They are explained in .env.example.")
