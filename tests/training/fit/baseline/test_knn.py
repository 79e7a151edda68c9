import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.__main__ import main
from training.fit.baseline.config import METRICS, NORMALISATIONS, WEIGHTS


def knn(csv: Path, *choices: str) -> list[str]:
    return ["knn", "--data", str(csv), "--cache", str(csv.parent / "cache"), *choices]


def answer(csv: Path, capsys: pytest.CaptureFixture[str], *choices: str) -> dict[str, Any]:
    assert main(knn(csv, "--json", *choices)) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def test_learns_where_the_bar_is(csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(knn(csv, "--neighbours", "3")) == 0
    assert "14 images, accuracy 100.00%" in capsys.readouterr().out


@pytest.mark.parametrize("features", ["hog", "lbp", "pixels"])
@pytest.mark.parametrize("selection", ["none", "variance", "anova", "pca"])
def test_each_selection_works_on_each_kind_of_features(
    csv: Path, capsys: pytest.CaptureFixture[str], features: str, selection: str
) -> None:
    printed = answer(csv, capsys, "--features", features, "--selection", selection, "--neighbours", "3")
    assert printed["accuracy"] > 0.5  # textures of a bar are mostly noise


@pytest.mark.parametrize(
    "choice",
    [("--metric", each) for each in METRICS]
    + [("--weights", each) for each in WEIGHTS]
    + [("--normalisation", each) for each in NORMALISATIONS],
)
def test_every_other_choice_is_obeyed(csv: Path, capsys: pytest.CaptureFixture[str], choice: tuple[str, str]) -> None:
    printed = answer(csv, capsys, *choice, "--features", "hog", "--neighbours", "3")
    assert printed[choice[0].removeprefix("--")] == choice[1]
    assert printed["accuracy"] > 0.9


def test_json_names_the_settings_and_the_split(csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = answer(csv, capsys, "--split", "test", "--components", "5", "--cell", "12", "--neighbours", "1")
    expected = {"model": "knn", "split": "test", "labels": "fer", "components": 5, "cell": 12, "neighbours": 1}
    assert expected.items() <= printed.items()
    assert np.sum(printed["confusion"]) == 14


def test_faces_that_are_no_near_duplicates_are_scored_apart(
    csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        answer(csv, capsys, "--neighbours", "3")["without_near_duplicates"] is None
    )  # because all faces of a class are alike
    unlike = " ".join(map(str, np.random.default_rng(3).integers(0, 256, 48 * 48)))
    other = tmp_path / "other.csv"
    other.write_text(f"{csv.read_text()}6,{unlike},PublicTest\n")
    printed = answer(other, capsys, "--neighbours", "3")
    assert printed["images"] == 15
    assert printed["without_near_duplicates"]["images"] == 1
    assert main(knn(other, "--neighbours", "3")) == 0
    assert "Without near-duplicates of training faces: 1 images, accuracy" in capsys.readouterr().out


def test_learns_the_majority_of_the_votes(csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    votes = str(csv.parent / "votes.csv")
    printed = answer(csv, capsys, "--votes", votes, "--labels", "ferplus", "--neighbours", "3")
    assert printed["images"] == 13  # one has no majority


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        (["--features", "sift"], "invalid choice: 'sift'"),
        (["--cell", "7"], "invalid choice: 7"),
        (["--neighbours", "0"], "0 is not a positive number"),
        (["--components", "many"], "invalid number value: 'many'"),
        (["--selection", "none", "--components", "9"], "--components goes with --selection anova or pca"),
        (["--selection", "none", "--min-variance", "1"], "--min-variance does not go with --selection none"),
        (["--split", "train"], "invalid choice: 'train'"),
    ],
)
def test_wrong_choices_exit_with_2(
    csv: Path, capsys: pytest.CaptureFixture[str], choices: list[str], sentence: str
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(knn(csv, *choices))
    assert exited.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        (["--neighbours", "43"], "43 neighbours are asked for, and there are only 42 training faces."),
        (["--min-variance", "9"], "These features cannot be learned from"),
        (["--labels", "ferplus"], "name the fer2013new.csv with --votes"),
    ],
)
def test_settings_that_the_data_cannot_satisfy_exit_with_1(
    csv: Path, capsys: pytest.CaptureFixture[str], choices: list[str], sentence: str
) -> None:
    assert main(knn(csv, *choices)) == 1
    assert sentence in capsys.readouterr().err


def test_help_lists_every_choice(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["knn", "--help"])
    assert exited.value.code == 0
    shown = capsys.readouterr().out
    for option in ("normalisation", "features", "cell", "selection", "min-variance", "components", "neighbours"):
        assert f"--{option}" in shown
    for word in ("clahe", "hog+lbp", "anova", "manhattan", "distance", "(15)", "validation"):
        assert word in shown
