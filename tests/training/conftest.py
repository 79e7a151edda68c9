from pathlib import Path

import pytest

from tests.support.training import tiny
from training.__main__ import main


@pytest.fixture(scope="session")
def csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fer2013.csv, with the FER+ votes in votes.csv beside it."""
    folder = tmp_path_factory.mktemp("fer2013")
    tiny.write_votes(folder / "votes.csv")
    return tiny.write_csv(folder / "fer2013.csv")


@pytest.fixture(scope="session")
def tiny_architecture() -> None:
    tiny.register()


@pytest.fixture(scope="session")
def uninterrupted_run(csv: Path, tiny_architecture: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "uninterrupted"
    assert main(tiny.train_arguments(csv, run)) == 0
    return run


@pytest.fixture(scope="session")
def run_of_both(csv: Path, tiny_architecture: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that learnt both labellings, with averaged weights."""
    run = tmp_path_factory.mktemp("runs") / "both"
    assert main(tiny.train_both_arguments(csv, run)) == 0
    return run


@pytest.fixture(scope="session")
def bfloat16_run(csv: Path, tiny_architecture: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "bfloat16"
    assert main(tiny.train_arguments(csv, run, epochs=2, precision="mixed_bfloat16")) == 0
    return run


@pytest.fixture(scope="session")
def release(bfloat16_run: Path, csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models")
    arguments = ["--run", str(bfloat16_run), "--data", str(csv), "--cache", str(csv.parent / "cache")]
    assert main(["export", *arguments, "--out", str(out), "--name", "tiny", "--margin", "1.1"]) == 0
    return out / "tiny"


@pytest.fixture(scope="session")
def release_of_both(run_of_both: Path, csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models")
    data = ["--data", str(csv), "--votes", str(csv.parent / "votes.csv"), "--cache", str(csv.parent / "cache")]
    arguments = ["--out", str(out), "--name", "both", "--version", "2.1.0", "--aligned"]
    assert main(["export", "--run", str(run_of_both), *data, *arguments]) == 0
    return out / "both"
