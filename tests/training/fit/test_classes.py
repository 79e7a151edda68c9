"""A network that tells six of the seven classes apart."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.labels import EMOTIONS, Emotion
from tests.support.training import tiny
from training.__main__ import main
from training.config import RECIPES, TrainingConfig
from training.data.fer2013 import load_fer2013
from training.fit.batches import FaceBatches
from training.fit.run_folder import read_record
from training.fit.trained import build_network

SIX = tuple(each for each in EMOTIONS if each != Emotion.DISGUST)
# The tiny data has two faces of each class in validation and test.
FACES = {"train": 36, "validation": 12, "test": 12}


@pytest.fixture(scope="module")
def run_of_six(csv: Path, tiny_architecture: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "six"
    asked = ["--classes", ",".join(reversed(SIX))]  # the order does not matter
    assert main([*tiny.train_arguments(csv, run, epochs=2), *asked]) == 0
    return run


@pytest.fixture(scope="module")
def release_of_six(run_of_six: Path, csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models")
    data = ["--data", str(csv), "--cache", str(csv.parent / "cache")]
    assert main(["export", "--run", str(run_of_six), *data, "--out", str(out), "--name", "six"]) == 0
    return out / "six"


def evaluate(csv: Path, *arguments: str) -> int:
    return main(["evaluate", "--data", str(csv), "--cache", str(csv.parent / "cache"), *arguments])


def test_faces_of_other_classes_are_not_learnt(csv: Path) -> None:
    data = load_fer2013(csv, csv.parent / "cache", csv.parent / "votes.csv")
    config = TrainingConfig(classes=SIX, batch_size=64)
    _, targets, weights = FaceBatches(data.splits["train"], config)[0]
    assert targets["fer"].shape == (FACES["train"], 6)
    assert targets["fer"].sum(axis=0).tolist() == [6] * 6
    assert weights["fer"].all()


def test_votes_divide_among_the_learnt_classes(csv: Path, tiny_architecture: None) -> None:
    data = load_fer2013(csv, csv.parent / "cache", csv.parent / "votes.csv")
    votes = data.splits["train"].votes
    assert votes is not None
    votes.counts[0] = [6, 4, 0, 0, 0, 0, 0, 0, 0, 0]  # angry and disgust
    config = TrainingConfig(ferplus=True, classes=SIX, batch_size=64)
    _, targets, _ = FaceBatches(data.splits["train"], config)[0]
    assert targets["ferplus"][0].tolist() == [1, 0, 0, 0, 0, 0]


def test_the_reference_network_of_six_has_the_references_parameters() -> None:
    assert build_network(replace(RECIPES["reference-cnn"], classes=SIX)).count_params() == 1_661_126


def test_the_run_and_the_card_name_the_classes(run_of_six: Path, release_of_six: Path) -> None:
    assert read_record(run_of_six).config.classes == SIX
    card = json.loads((release_of_six / "card.json").read_text())
    assert card["classes"] == list(SIX)
    for split in ("validation", "test"):
        metrics = card["outputs"]["fer"]["metrics"][split]
        assert (metrics["images"], metrics["of_other_classes"], metrics["without_majority"]) == (FACES[split], 2, 0)
        assert np.array(metrics["confusion"]).shape == (6, 6)
        assert list(metrics["classes"]) == list(SIX)


def test_the_run_and_the_release_answer_alike(
    csv: Path, run_of_six: Path, release_of_six: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(csv, "--run", str(run_of_six), "--json") == 0
    of_run = json.loads(capsys.readouterr().out)
    assert evaluate(csv, "--model", str(release_of_six), "--json") == 0
    of_release = json.loads(capsys.readouterr().out)
    assert of_run["confusion"] == of_release["confusion"]
    assert sum(map(sum, of_run["confusion"])) == FACES["validation"]


def test_the_report_shows_six_classes(csv: Path, release_of_six: Path, tmp_path: Path) -> None:
    assert evaluate(csv, "--model", str(release_of_six), "--report", str(tmp_path / "report")) == 0
    page = (tmp_path / "report" / "report.html").read_text()
    assert "2 images of classes that the model does not know are left out." in page
    assert "disgust" not in page


def test_votes_of_another_class_are_left_out(
    csv: Path, release_of_six: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    votes = ["--votes", str(csv.parent / "votes.csv"), "--labels", "ferplus"]
    assert evaluate(csv, "--model", str(release_of_six), *votes, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    # On the third row of a split people disagree, and its class is not disgust.
    assert (answer["images"], answer["of_other_classes"], answer["without_majority"]) == (11, 2, 1)


def test_photos_are_not_analysed_with_it(
    release_of_six: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.joinpath("photos").mkdir()
    assert main(["calibrate-crop", "--model", str(release_of_six), "--photos", str(tmp_path / "photos")]) == 1
    assert "six@1.0.0 does not know disgust. It can be evaluated" in capsys.readouterr().err


def test_its_weights_begin_no_training_of_seven_classes(
    csv: Path, release_of_six: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*tiny.train_arguments(csv, tmp_path / "run"), "--from", str(release_of_six)]) == 1
    assert "its weights do not fit" in capsys.readouterr().err


@pytest.mark.parametrize(("asked", "message"), [("angry,joyful", "unknown: joyful"), ("happy", "two classes")])
def test_wrong_classes_are_refused(csv: Path, capsys: pytest.CaptureFixture[str], asked: str, message: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["train", "--data", str(csv), "--run", "run", "--classes", asked])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
