import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.registry import read_model
from tests.support.photos import astronaut, encoded
from training.__main__ import main


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "happy-00.jpg").write_bytes(encoded(astronaut()))
    Image.new("RGB", (320, 240), (90, 90, 90)).save(folder / "sad-00.png")
    (folder / "labels.csv").write_text("file,emotion\n")
    return folder


def calibrate(photos: Path, release: Path, *arguments: str) -> int:
    return main(["calibrate-crop", "--model", str(release), "--photos", str(photos), *arguments])


def test_each_crop_is_scored_and_a_photo_without_a_face_counts_as_wrong(
    photos: Path, release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(photos, release, "--margins", "0.9,1.2", "--json") == 0
    crops = json.loads(capsys.readouterr().out)
    assert [(crop["margin"], crop["aligned"]) for crop in crops] == [
        (0.9, False), (0.9, True), (1.2, False), (1.2, True)
    ]  # fmt: skip
    assert {(crop["photos"], crop["faces_found"]) for crop in crops} == {(2, 1)}
    assert all(crop["accuracy"] in (0, 0.5) for crop in crops)


def test_a_photo_without_a_face_counts_in_its_class_and_not_in_the_confusion(
    photos: Path, release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(photos, release, "--margins", "1", "--json") == 0
    for crop in json.loads(capsys.readouterr().out):
        confusion = np.array(crop["confusion"])
        assert confusion.sum() == confusion[3].sum() == 1  # the happy one
        assert crop["classes"]["sad"] == {"images": 1, "precision": 0, "recall": 0, "f1": 0}
        assert crop["classes"]["happy"]["recall"] == 2 * crop["accuracy"]


def test_the_classes_of_the_best_crop_are_shown_or_of_the_frozen(
    photos: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(photos, copy, "--margins", "0.9,1.2") == 0
    assert "The most accurate: margin" in capsys.readouterr().out
    assert calibrate(photos, copy, "--margins", "0.9,1.2", "--freeze", "1.2") == 0
    shown = capsys.readouterr().out
    assert "Frozen: margin 1.2, aligned no" in shown
    assert "2 images, accuracy" in shown
    assert "Confusion matrix" in shown


@pytest.fixture
def copy(release: Path, tmp_path: Path) -> Path:
    """Of the release, to change."""
    return Path(shutil.copytree(release, tmp_path / "models" / "copy"))


def test_a_chosen_crop_is_written_into_the_card_and_the_rest_of_it_stays(
    photos: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = json.loads((copy / "card.json").read_text())
    assert calibrate(photos, copy, "--margins", "0.9,1.2", "--freeze", "1.2", "--aligned", "--json") == 0
    measured = next(
        crop for crop in json.loads(capsys.readouterr().out) if (crop["margin"], crop["aligned"]) == (1.2, True)
    )
    card = read_model("copy", copy.parent)[0]
    assert (card.preprocessing.margin, card.preprocessing.aligned) == (1.2, True)
    after = json.loads((copy / "card.json").read_text())
    assert after.pop("whole_photos") == measured
    assert after["limitations"].pop().startswith("On 2 labelled whole photos it was right in ")
    after["preprocessing"] |= {
        "margin": before["preprocessing"]["margin"],
        "aligned": before["preprocessing"]["aligned"],
    }
    assert after == before


def test_the_classes_that_do_badly_are_listed_once_among_the_limitations(
    photos: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert calibrate(photos, copy, "--margins", "1.2", "--freeze", "1.2") == 0
    limitations = [
        each for each in json.loads((copy / "card.json").read_text())["limitations"] if "whole photos" in each
    ]
    assert len(limitations) == 1
    assert "sad (0% right)" in limitations[0]
    assert "disgust" not in limitations[0]  # there is no photo of it


def test_a_crop_that_was_not_measured_is_not_chosen(
    photos: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (copy / "card.json").read_bytes()
    assert calibrate(photos, copy, "--margins", "0.9", "--freeze", "1.2") == 1
    assert "1.2 is not measured" in capsys.readouterr().err
    assert (copy / "card.json").read_bytes() == before


def test_aligned_without_freeze_is_refused(photos: Path, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calibrate(photos, copy, "--margins", "0.9", "--aligned") == 1
    assert "Name a margin with --freeze" in capsys.readouterr().err


@pytest.mark.parametrize("margins", ["", "wide", "0.9,", "20", "nan"])
def test_a_wrong_margin_is_named(photos: Path, release: Path, capsys: pytest.CaptureFixture[str], margins: str) -> None:
    with pytest.raises(SystemExit) as exited:
        calibrate(photos, release, "--margins", margins)
    assert exited.value.code == 2
    assert "is no margin: it must be a number above 0 and below 10" in capsys.readouterr().err


def test_class_folders_do_as_well(photos: Path, release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photos / "labels.csv").unlink()
    for file in list(photos.iterdir()):
        (photos / file.name.split("-")[0]).mkdir()
        file.rename(photos / file.name.split("-")[0] / file.name)
    assert calibrate(photos, release, "--margins", "1") == 0
    assert "on 2 photos, 1 with a found face" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "sad-00.png").write_bytes(b"broken"), "sad-00.png: "),
        (lambda folder: [file.unlink() for file in folder.iterdir()], "has no photos named by their class"),
        (lambda folder: folder.rename(folder.with_name("gone")), "There is no folder"),
    ],
)
def test_photos_that_cannot_be_scored_are_named(
    photos: Path, release: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[Path], object], message: str
) -> None:
    spoil(photos)
    assert calibrate(photos, release) == 1
    assert message in capsys.readouterr().err
