"""Adjusting answers for the shares of the classes in training."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.registry import read_model
from ml.types import Scores
from tests.support.photos import astronaut, encoded
from tests.support.training import tiny
from training.__main__ import main
from training.figures.metrics import measure
from training.release.adjustment import adjust_scores, apply_adjustment, choose_adjustment
from training.release.temperature import softmax

SHARES = np.array([0.09, 0.01, 0.03, 0.26, 0.14, 0.13, 0.34])
BALANCED = np.full(7, 1 / 7)


def faces(shares: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, Scores]:
    """Labels drawn by `shares`, and what a network says that learnt SHARES and sees each class with some noise."""
    random = np.random.default_rng(seed)
    labels = random.choice(7, size=count, p=shares)
    evidence = random.normal(0, 1.2, (count, 7))
    evidence[np.arange(count), labels] += 2
    return labels, softmax(evidence + np.log(SHARES))


def test_adjusting_subtracts_tau_times_the_logarithm_of_the_shares() -> None:
    logits = np.random.default_rng(3).normal(0, 2, (5, 7))
    expected = softmax(logits - 0.6 * np.log(SHARES))
    np.testing.assert_allclose(adjust_scores(softmax(logits), 0.6, SHARES), expected, atol=1e-6)


def test_tau_0_changes_nothing() -> None:
    scores = faces(BALANCED, 20, seed=4)[1]
    np.testing.assert_allclose(adjust_scores(scores, 0.0, SHARES), scores, atol=1e-6)


def test_the_choice_helps_rare_classes_and_keeps_the_natural_mixture() -> None:
    validation, photos = faces(SHARES, 4000, seed=5), faces(BALANCED, 700, seed=6)
    adjustment = choose_adjustment(validation, photos, SHARES)
    before, chosen = adjustment.trials[0], adjustment.chosen
    assert 0 < chosen.tau <= 1
    assert chosen.photos_mean_recall > before.photos_mean_recall + 0.05
    assert chosen.worth == max(trial.worth for trial in adjustment.trials)
    answers = adjust_scores(photos[1], chosen.tau, SHARES).argmax(axis=1)
    assert chosen.photos_mean_recall == measure(photos[0], answers).mean_recall
    assert adjustment.photos == 700


def test_a_photo_without_a_face_is_wrong_and_has_no_part_in_the_confidence() -> None:
    validation, (labels, scores) = faces(SHARES, 500, seed=7), faces(BALANCED, 200, seed=8)
    without = scores.copy()
    without[::2] = np.nan
    trial = choose_adjustment(validation, (labels, without), SHARES).trials[0]
    kept = choose_adjustment(validation, (labels[1::2], scores[1::2]), SHARES).trials[0]
    assert trial.photos_accuracy == pytest.approx(kept.photos_accuracy / 2)
    assert trial.photos_calibration_error == kept.photos_calibration_error


def test_the_adjustment_is_put_into_one_output_of_the_network(tiny_architecture: None) -> None:
    from training.fit.architectures import ARCHITECTURES

    network = ARCHITECTURES[tiny.POOLED](("fer", "ferplus"), 7)
    inputs = np.random.default_rng(9).normal(0, 1, (3, 48, 48, 1)).astype(np.float32)
    before = network.predict_on_batch(inputs)
    apply_adjustment(network, "ferplus", 0.6, SHARES)
    after = network.predict_on_batch(inputs)
    np.testing.assert_allclose(after["ferplus"], adjust_scores(before["ferplus"], 0.6, SHARES), atol=1e-5)
    np.testing.assert_array_equal(after["fer"], before["fer"])


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(("happy-00", "happy-01", "neutral-00", "disgust-00")):
        (folder / f"{name}.jpg").write_bytes(encoded(astronaut(), quality=80 + number))
    Image.new("RGB", (320, 240), (90, 90, 90)).save(folder / "sad-00.png")
    return folder


def export(run: Path, csv: Path, out: Path, photos: Path, *arguments: str) -> int:
    data = ["--data", str(csv), "--votes", str(csv.parent / "votes.csv"), "--cache", str(csv.parent / "cache")]
    return main(["export", "--run", str(run), *data, "--out", str(out), "--photos", str(photos), *arguments])


def test_a_release_is_adjusted_and_its_card_says_how(
    csv: Path, run_of_both: Path, tmp_path: Path, photos: Path
) -> None:
    assert export(run_of_both, csv, tmp_path, photos, "--name", "one", "--leave-out", "disgust") == 0
    card = json.loads((tmp_path / "one" / "card.json").read_text())
    adjustment = card["export"]["adjustment"]
    assert (adjustment["photos"], adjustment["left_out"]) == (4, ["disgust"])
    assert sum(adjustment["shares"].values()) == pytest.approx(1, abs=1e-3)
    chosen = next(trial for trial in adjustment["tried"] if trial["tau"] == adjustment["tau"])
    assert card["outputs"]["ferplus"]["temperature"] == pytest.approx(chosen["temperature"], abs=1e-3)
    assert card["outputs"]["ferplus"]["metrics"]["validation"]["accuracy"] == chosen["validation_accuracy"]
    assert read_model("one", tmp_path)[0].uncertain_below == card["uncertain_below"]


def test_a_release_can_be_released_again(csv: Path, release_of_both: Path, tmp_path: Path, photos: Path) -> None:
    again = Path(shutil.copytree(release_of_both, tmp_path / "old"))
    assert export(again, csv, tmp_path / "models", photos, "--name", "new", "--version", "2") == 0
    card, before = (json.loads((each / "card.json").read_text()) for each in (tmp_path / "models" / "new", again))
    assert card["training"] == before["training"]
    assert "adjustment" in card["export"]
    assert "adjustment" not in before["export"]


def test_photos_without_any_face_are_refused(
    csv: Path, run_of_both: Path, tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in photos.glob("*.jpg"):
        file.unlink()
    assert export(run_of_both, csv, tmp_path / "models", photos) == 1
    assert "No face was found in any photo" in capsys.readouterr().err
    assert not list((tmp_path / "models").iterdir())


def test_leaving_out_all_classes_is_refused(
    csv: Path, run_of_both: Path, tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    every = "happy,neutral,disgust,sad"
    assert export(run_of_both, csv, tmp_path / "models", photos, "--leave-out", every) == 1
    assert "has no photos but those of" in capsys.readouterr().err
