"""Test the limits for the lengths of files and functions."""

from pathlib import Path

import pytest

from bench import sizes


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "crm" / "migrations").mkdir(parents=True)
    monkeypatch.setattr(sizes, "ROOT", tmp_path)
    (tmp_path / "crm" / "short.py").write_text("def one() -> int:\n    return 1\n")
    return tmp_path / "crm"


def test_short_code_passes(code: Path) -> None:
    (code / "migrations" / "long.py").write_text("\n" * 1000)
    assert sizes.problems() == []


def test_a_long_file_is_named(code: Path) -> None:
    for number in range(20):
        (code / f"{number}.py").write_text("ONE = 1\n")
    (code / "long.py").write_text("\n" * 251)
    assert sizes.problems() == [
        "crm/long.py has 251 lines. Split it by feature, or name it in EXCEPTIONS with a reason."
    ]


def test_long_functions_are_reported(code: Path) -> None:
    (code / "long.py").write_text("def long() -> None:\n" + "    print()\n" * 20)
    assert sizes.problems() == ["Functions have grown too long. Split the longest ones."]
