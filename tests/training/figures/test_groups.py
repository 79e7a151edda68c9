import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.labels import EMOTIONS
from ml.registry import load_card
from tests.support.photos import astronaut, encoded
from tests.support.small_model import small_classifier, write_model
from training.__main__ import main
from training.data.groups import GroupedPhotos
from training.figures.groups import measure_columns
from training.figures.metrics import NO_ANSWER

HAPPY, NEUTRAL = EMOTIONS.index("happy"), EMOTIONS.index("neutral")
HEADER = "file,label,age\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model, and three photos of which the last shows no face."""
    write_model(tmp_path / "model", small_classifier())
    (tmp_path / "photos").mkdir()
    pictures = (astronaut(), astronaut().crop((60, 0, 460, 400)), Image.new("RGB", (320, 240), (90, 90, 90)))
    for number, picture in enumerate(pictures, 1):
        (tmp_path / "photos" / f"{number}.jpg").write_bytes(encoded(picture))
    return tmp_path


def evaluate(folder: Path, text: str, *more: str, encoding: str = "utf-8") -> int:
    (folder / "groups.csv").write_text(text, encoding)
    asked = ["evaluate", "--model", str(folder / "model"), "--data", str(folder / "photos")]
    return main([*asked, "--groups", str(folder / "groups.csv"), *more])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_report_is_written_beside_the_card(folder: Path, capsys: pytest.CaptureFixture[str], encoding: str) -> None:
    rows = "1.jpg,happy,young\n2.jpg, Happy ,old\n3.jpg,sad,old\n"
    assert evaluate(folder, HEADER + rows, "--write", "--json", encoding=encoding) == 0
    report = json.loads(capsys.readouterr().out)
    assert json.loads((folder / "model" / "groups.json").read_text()) == report
    assert (report["model"], report["photos"], report["without_face"]) == ("model@1", 3, 1)
    assert report["fingerprint"] == load_card("model", folder).fingerprint
    (column,) = report["columns"]
    figures = {
        each["name"]: (each["photos"], each["without_face"], each["accuracy"]["of"]) for each in column["groups"]
    }
    assert figures == {"old": (2, 1, 1), "young": (1, 0, 1)}
    assert ".jpg" not in json.dumps(report)


def test_a_table_is_shown_and_nothing_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(folder, HEADER + "1.jpg,happy,young\n") == 0
    shown = capsys.readouterr().out
    assert "young: 1 photos, 0 without a found face" in shown
    assert "No difference between the groups is beyond chance" in shown
    assert not (folder / "model" / "groups.json").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read as a table"),
        (HEADER, "has no photos"),
        ("file;label;age\n1.jpg;happy;old\n", "line 1: the columns are divided by semicolons"),
        ("file,age\n1.jpg,old\n", "line 1: there is no column label"),
        ("file,label\n1.jpg,happy\n", "line 1: there is no column of groups"),
        (HEADER + "1.jpg,glad,old\n", "line 2, column label: 'glad' is none of angry"),
        (HEADER + "1.jpg,happy,old\n\nnone.jpg,happy,old\n", "line 4, column file: there is no photo 'none.jpg'"),
        (HEADER + "/etc/hostname,happy,old\n", "line 2, column file: there is no photo '/etc/hostname'"),
        (HEADER + f"{'x' * 5000},happy,old\n", "line 2, column file: there is no photo"),
        (HEADER + ",happy,old\n", "line 2, column file: there is no photo ''"),
        (HEADER + "1.jpg,happy,old\n./1.jpg,sad,old\n", "line 3, column file: ./1.jpg is in line 2 already"),
        (HEADER + "1.jpg,happy,\n", "line 2, column age: write a group"),
        (HEADER + "1.jpg,happy\n", "line 2, column age: write a group"),
        (HEADER + "".join(f"1.jpg,happy,{age}\n" for age in range(21)), "... and "),
        (HEADER + "3.jpg,happy,old\n", "No face was found in any of the 1 photos"),
    ],
)
def test_a_wrong_file_is_refused(folder: Path, capsys: pytest.CaptureFixture[str], text: str, message: str) -> None:
    assert evaluate(folder, text, "--write") == 1
    assert message in capsys.readouterr().err
    assert not (folder / "model" / "groups.json").exists()


def test_a_column_of_names_is_no_grouping(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(21):
        shutil.copy(folder / "photos" / "1.jpg", folder / "photos" / f"copy{number}.jpg")
    assert evaluate(folder, HEADER + "".join(f"copy{each}.jpg,happy,{each}\n" for each in range(21))) == 1
    assert "column age: 21 groups are too many" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--labels", "fer"], ["--split", "test"], ["--report", "report"]])
def test_options_that_do_not_fit_are_refused(folder: Path, capsys: pytest.CaptureFixture[str], more: list[str]) -> None:
    assert evaluate(folder, HEADER + "1.jpg,happy,old\n", *more) == 1
    assert "Leave out --split" in capsys.readouterr().err


def test_write_needs_groups(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["evaluate", "--model", str(folder / "model"), "--data", str(folder / "photos")]
    assert main([*asked, "--whole-photos", "--write"]) == 1
    assert "--write goes with --groups" in capsys.readouterr().err


def test_intervals_wrong_answers_and_differences() -> None:
    """The interval of 8 of 10 is that of Wilson's formula: 49.0% to 94.3%."""
    groups = ["old"] * 41 + ["young"] * 10
    answers = np.array([NEUTRAL] * 30 + [HAPPY] * 10 + [NO_ANSWER] + [HAPPY] * 8 + [NEUTRAL] * 2, np.int64)
    photos = [(Path(str(number)), HAPPY) for number in range(51)]
    (column,) = measure_columns(GroupedPhotos(photos, {"age": groups}), answers)
    old, young = column.groups
    assert (old.photos, old.without_face, old.classes[EMOTIONS[HAPPY]].instead) == (41, 1, {"neutral": 30})
    assert young.accuracy
    assert (young.accuracy.low, young.accuracy.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert old.classes[EMOTIONS[0]].recall is None
    assert column.differences[0] == (
        "old differs from the others beyond chance: 25% of its photos are answered rightly, 80% of theirs."
    )
    (alike,) = measure_columns(GroupedPhotos(photos[:40], {"age": ["old", "young"] * 20}), answers[:40])
    assert alike.differences == []
