"""Numbers as they are written to JSON."""

from typing import Any

DIGITS = 4


def round_for_json(value: Any) -> Any:
    """Return the same value with all numbers in it rounded to DIGITS digits."""
    match value:
        case float():
            return round(value, DIGITS)
        case dict():
            return {key: round_for_json(part) for key, part in value.items()}
        case list():
            return [round_for_json(part) for part in value]
    return value
