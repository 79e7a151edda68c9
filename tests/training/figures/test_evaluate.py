import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.classifier import EmotionClassifier
from ml.detection.mtcnn import MtcnnDetector
from ml.labels import EMOTIONS, Emotion
from ml.pipeline import EmotionPipeline
from ml.registry import read_model
from tests.support.photos import astronaut, encoded
from tests.support.small_model import small_classifier, write_model
from training.__main__ import main
from training.data.fer2013 import load_fer2013
from training.data.photos import holds_whole_photos
from training.figures.metrics import measure
from training.fit.trained import load_best_network


def evaluate(csv: Path, *arguments: str) -> int:
    return main(["evaluate", "--data", str(csv), "--cache", str(csv.parent / "cache"), *arguments])


def test_scores_the_best_epoch_of_a_run_on_validation(
    csv: Path, uninterrupted_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(csv, "--run", str(uninterrupted_run), "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["split"] == "validation"
    assert answer["images"] == 14
    log = np.genfromtxt(uninterrupted_run / "log.csv", delimiter=",", names=True)
    assert answer["accuracy"] == pytest.approx(log["val_accuracy"].max(), abs=1e-6)


def test_a_released_model_gets_the_figures_of_its_card(
    csv: Path, release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(csv, "--model", str(release), "--split", "test", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    metrics = json.loads((release / "card.json").read_text())["outputs"]["fer"]["metrics"]["test"]
    assert answer["confusion"] == metrics["confusion"]
    assert answer["accuracy"] == pytest.approx(metrics["accuracy"], abs=1e-4)


def test_the_figures_are_those_of_the_network(
    csv: Path, uninterrupted_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split = load_fer2013(csv, csv.parent / "cache").splits["test"]
    pixels = split.faces.astype(np.float64)
    centred = pixels - pixels.mean(axis=(1, 2), keepdims=True)
    inputs = (centred / centred.std(axis=(1, 2), keepdims=True))[..., np.newaxis]
    predictions = load_best_network(uninterrupted_run).predict_on_batch(inputs.astype(np.float32))["fer"].argmax(axis=1)

    assert evaluate(csv, "--run", str(uninterrupted_run), "--split", "test", "--json") == 0
    assert json.loads(capsys.readouterr().out)["confusion"] == measure(split.labels, predictions).confusion


def test_prints_a_table_for_people(csv: Path, release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(csv, "--model", str(release)) == 0
    shown = capsys.readouterr().out
    assert "14 images, accuracy" in shown
    assert "Confusion matrix" in shown


def test_a_run_can_be_scored_as_the_mean_with_the_mirror_image(
    csv: Path, uninterrupted_run: Path, release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported = ["export", "--run", str(uninterrupted_run), "--data", str(csv), "--cache", str(csv.parent / "cache")]
    assert main([*exported, "--out", str(tmp_path), "--name", "flipped", "--flip"]) == 0
    capsys.readouterr()
    confusions = []
    for scored in (["--run", str(uninterrupted_run), "--flip"], ["--model", str(tmp_path / "flipped")]):
        assert evaluate(csv, *scored, "--json") == 0
        confusions.append(json.loads(capsys.readouterr().out)["confusion"])
    assert confusions[0] == confusions[1]
    assert evaluate(csv, "--model", str(release), "--flip") == 1
    assert "Leave out --flip" in capsys.readouterr().err


def test_an_unknown_model_is_named(csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(csv, "--model", "no-such-model") == 1
    assert "no-such-model" in capsys.readouterr().err


def test_altered_weights_are_refused(
    csv: Path, release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    altered = shutil.copytree(release, tmp_path / "altered")
    weights = bytearray((altered / "model.onnx").read_bytes())
    weights[-1] ^= 1
    (altered / "model.onnx").write_bytes(weights)
    assert evaluate(csv, "--model", str(altered)) == 1
    assert "model.onnx" in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_refused(csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(csv, "--run", str(tmp_path)) == 1
    assert "is no run folder" in capsys.readouterr().err


def test_a_run_without_a_finished_epoch_is_refused(
    csv: Path, uninterrupted_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(uninterrupted_run / "config.json", tmp_path)
    assert evaluate(csv, "--run", str(tmp_path)) == 1
    assert "no epoch of it is finished" in capsys.readouterr().err


def test_either_labelling_can_be_asked_for(
    csv: Path, release_of_both: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    votes = ["--votes", str(csv.parent / "votes.csv"), "--json"]
    card = json.loads((release_of_both / "card.json").read_text())
    for asked, labelling in (([], "ferplus"), (["--labels", "fer"], "fer")):
        assert evaluate(csv, "--model", str(release_of_both), *votes, *asked) == 0
        answer = json.loads(capsys.readouterr().out)
        assert (answer["labels"], answer["output"]) == (labelling, labelling)
        metrics = card["outputs"][labelling]["metrics"]["validation"]
        assert answer["confusion"] == metrics["confusion"]
        assert answer["calibration_error"] == pytest.approx(metrics["calibration_error"], abs=1e-4)
        assert answer["risk_coverage"] == metrics["risk_coverage"]


def test_missing_votes_are_asked_for(csv: Path, release_of_both: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(csv, "--model", str(release_of_both), "--labels", "ferplus") == 1
    assert "name the fer2013new.csv with --votes" in capsys.readouterr().err


def test_the_test_split_is_scored_without_near_duplicates_too(
    csv: Path, release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = csv.read_text().splitlines()[:-1]  # in which all faces of a class are alike
    unlike = " ".join(map(str, np.random.default_rng(3).integers(0, 256, 48 * 48)))
    other = tmp_path / "other.csv"
    other.write_text("\n".join([*rows, f"6,{unlike},PrivateTest"]) + "\n")
    assert evaluate(other, "--model", str(release), "--split", "test", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["images"] == 14
    assert answer["without_near_duplicates"]["images"] == 1
    assert answer["milliseconds_a_face"] > 0


def test_a_folder_of_the_users_own_faces_is_scored(
    csv: Path, release_of_both: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    split = load_fer2013(csv, csv.parent / "cache").splits["test"]
    for index, face in enumerate(split.faces[:7]):
        folder = tmp_path / "mine" / EMOTIONS[split.labels[index]]
        folder.mkdir(parents=True)
        Image.fromarray(face).save(folder / "face.png")
    assert evaluate(tmp_path / "mine", "--model", str(release_of_both), "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["images"], answer["data"], answer["output"]) == (7, "mine", "ferplus")
    assert evaluate(tmp_path / "mine", "--model", str(release_of_both), "--split", "validation") == 1
    assert "mine has no validation split, only test" in capsys.readouterr().err


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Whole photos: two of a smiling face and one without any."""
    for folder, name, picture in (
        ("happy", "1.jpg", astronaut()),
        ("happiness", "2.jpg", astronaut().crop((60, 0, 460, 400))),
        ("sad", "3.jpg", Image.new("RGB", (320, 240), (90, 90, 90))),
    ):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        (tmp_path / "photos" / folder / name).write_bytes(encoded(picture))
    return tmp_path / "photos"


def test_whole_photos_go_through_the_whole_pipeline(
    photos: Path, release_of_both: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["evaluate", "--model", str(release_of_both), "--data", str(photos), "--whole-photos"]
    assert main([*asked, "--json", "--report", str(tmp_path / "report")]) == 0
    answer = json.loads(capsys.readouterr().out)
    card, weights = read_model(release_of_both.name, release_of_both.parent)
    pipeline = EmotionPipeline(MtcnnDetector(), EmotionClassifier(weights, card))
    happy = [pipeline.analyze((photos / name).read_bytes()).faces[0] for name in ("happy/1.jpg", "happiness/2.jpg")]
    right = sum(face.dominant_emotion == Emotion.HAPPY for face in happy)
    assert (answer["images"], answer["without_face"], answer["data"]) == (3, 1, "photos")
    assert answer["accuracy"] == pytest.approx(right / 3, abs=1e-4)
    assert np.sum(answer["confusion"]) == np.sum(answer["confusion"][3]) == 2
    assert sum(each["faces"] for each in answer["reliability"]) == 2
    page = " ".join((tmp_path / "report" / "report.html").read_text().split())
    assert "Scored on the whole photos of photos" in page
    assert "1 photos without a found face count as wrong" in page
    assert main(asked) == 0
    assert "1 photos without a found face count as wrong" in capsys.readouterr().out


def test_either_output_can_be_asked_about_whole_photos(
    photos: Path, release_of_both: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["evaluate", "--model", str(release_of_both), "--data", str(photos), "--whole-photos", "--json"]
    for choice, output in (([], "ferplus"), (["--labels", "fer"], "fer")):
        assert main([*asked, *choice]) == 0
        assert json.loads(capsys.readouterr().out)["output"] == output


def test_photos_without_any_face_are_refused(photos: Path, release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("happy", "happiness"):
        shutil.rmtree(photos / folder)
    assert main(["evaluate", "--model", str(release), "--data", str(photos), "--whole-photos"]) == 1
    assert "No face was found in any of the 1 photos" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "run"], "--whole-photos goes with --model and a folder"),
        (["--model", "reference-cnn", "--split", "test"], "Leave out --split and --votes"),
    ],
)
def test_options_that_do_not_fit_whole_photos_are_refused(
    photos: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["evaluate", "--data", str(photos), "--whole-photos", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_whole_photos_in_place_of_faces_are_noticed(
    photos: Path, csv: Path, release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "sad" / "notes.txt").write_text("no image")
    assert holds_whole_photos(photos)
    (photos / "sad" / "notes.txt").unlink()
    asked = ["evaluate", "--model", str(release), "--cache", str(tmp_path / "cache"), "--data"]
    assert main([*asked, str(photos)]) == 0
    assert capsys.readouterr().err.count("add --whole-photos") == 1
    for file in photos.rglob("*.jpg"):
        Image.open(file).resize((90, 120)).save(file)
    assert main([*asked, str(photos)]) == 0
    assert "--whole-photos" not in capsys.readouterr().err


def test_a_report_shows_the_figures_in_one_file(
    csv: Path, release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(csv, "--model", str(release), "--report", str(tmp_path / "report")) == 0
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert f"How good {json.loads((release / 'card.json').read_text())['name']}@1.0.0 is" in page
    assert {file.name for file in (tmp_path / "report").glob("*.png")} == {
        *("classes.png", "confusion.png", "reliability.png", "risk-coverage.png")
    }
    assert "report.html" in capsys.readouterr().err


def test_a_release_whose_card_names_no_output_is_scored(
    csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the first releases' cards."""
    write_model(tmp_path / "first", small_classifier())
    assert evaluate(csv, "--model", str(tmp_path / "first"), "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["output"], answer["labels"], answer["uncertain_below"]) == ("scores", "fer", 0)
