"""Measure how long the files and functions of the code are, and fail where they outgrow the limits.

A file counts its lines; a function counts the lines from its `def` to its end, with its docstring. Migrations and
empty files do not count.
"""

import argparse
import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("config", "crm", "emotions", "jobs", "ml", "training")
# The limits of the median and the 90th percentile, in lines.
FILES, FUNCTIONS = (77, 179), (5, 14)
LONGEST_FILE = 250
# These files may be longer, for the given reasons.
EXCEPTIONS: dict[str, str] = {
    "config/settings.py": "one list of all settings, in the order in which an operator meets them",
    "emotions/answers/api/serializers.py": "the fields of a record, which the timeline and the uploads repeat",
    "jobs/work.py": "the only place that claims, so that one file shows every way a claim can end",
    "emotions/model_management/cards.py": "a model's card, read section by section",
}


def files() -> Iterator[Path]:
    for room in ROOMS:
        yield from (path for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts)


def lines_of_file(path: Path) -> int:
    return len(path.read_text().splitlines())


def lines_of_functions(path: Path) -> Iterator[int]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


def summary(lengths: list[int]) -> tuple[int, int]:
    """Return the median and the 90th percentile."""
    ordered = sorted(lengths)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 9 // 10]


def problems() -> list[str]:
    lengths = {path.relative_to(ROOT).as_posix(): lines_of_file(path) for path in files()}
    of_files = [length for length in lengths.values() if length]
    of_functions = [length for path in files() for length in lines_of_functions(path)]
    found = []
    for kind, measured, limits in (("Files", of_files, FILES), ("Functions", of_functions, FUNCTIONS)):
        median, percentile = summary(measured)
        print(
            f"{kind}: {len(measured)}, median {median} lines (at most {limits[0]}), "
            f"90th percentile {percentile} (at most {limits[1]})"
        )
        if median > limits[0] or percentile > limits[1]:
            found.append(f"{kind} have grown too long. Split the longest ones.")
    for name, length in lengths.items():
        if length > LONGEST_FILE and name not in EXCEPTIONS:
            found.append(f"{name} has {length} lines. Split it by feature, or name it in EXCEPTIONS with a reason.")
    return found


def main() -> int:
    argparse.ArgumentParser(prog="python -m bench.sizes", description=__doc__).parse_args()
    found = problems()
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
