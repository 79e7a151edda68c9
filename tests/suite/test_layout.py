"""Check that tests lie where the code under test lies, and helpers in tests/support."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
ROOMS = {"bench", "config", "crm", "docs", "emotions", "jobs", "ml", "training"}
# These tests run several programs together, or test the tests themselves.
ACROSS_ROOMS = {"compose", "e2e", "integration", "suite"}


def test_the_folders_are_those_of_the_code() -> None:
    assert {path.name for path in TESTS.glob("*.py")} == {"__init__.py", "conftest.py", "settings.py"}
    folders = {path.parent.name for path in TESTS.glob("*/__init__.py")}
    assert folders == ROOMS | ACROSS_ROOMS | {"support"}


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_each_folder_of_tests_mirrors_a_folder_of_code(room: str) -> None:
    tested = [path.parent.relative_to(TESTS) for path in (TESTS / room).rglob("__init__.py")]
    assert [str(folder) for folder in tested if not (ROOT / folder).is_dir()] == []


def test_helpers_lie_apart_from_the_tests() -> None:
    files = [path for path in TESTS.rglob("*/*.py") if "support" not in path.parts]
    assert [str(path) for path in files if not path.name.startswith(("test_", "conftest", "__init__"))] == []


def test_nothing_imports_a_test() -> None:
    found = [(str(file), name) for file in TESTS.rglob("*.py") for name in _imported(file) if _is_test(name)]
    assert found == []


def _imported(file: Path) -> list[str]:
    nodes = ast.walk(ast.parse(file.read_text()))
    return [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]


def _is_test(module: str) -> bool:
    return module.startswith("tests.") and module.split(".")[-1].startswith(("test_", "conftest"))
