import re
from pathlib import Path

import numpy as np
import pytest

from tests.support.training import tiny
from training.data.fer2013 import load_fer2013
from training.errors import TrainingError

GREY = " ".join(["100"] * 2304)


def spoil(csv: Path, tmp_path: Path, row: str, line: int = 5) -> Path:
    lines = csv.read_text().splitlines()
    lines[line - 1] = row
    spoilt = tmp_path / "spoilt.csv"
    spoilt.write_text("\n".join(lines))
    return spoilt


def test_rows_go_to_their_splits_in_order(csv: Path, tmp_path: Path) -> None:
    data = load_fer2013(csv, tmp_path)
    assert {name: len(split.labels) for name, split in data.splits.items()} == {
        "train": 42,
        "validation": 14,
        "test": 14,
    }
    assert data.splits["test"].labels.tolist() == [0, 1, 2, 3, 4, 5, 6] * 2
    first = csv.read_text().splitlines()[1].split(",")[1]
    assert data.splits["train"].faces[0].ravel().tolist() == [int(value) for value in first.split()]
    assert data.splits["train"].faces.dtype == np.uint8


def test_spaced_headers_give_the_same_faces(csv: Path, tmp_path: Path) -> None:
    spaced = tiny.write_csv(tmp_path / "icml_face_data.csv", header="emotion, pixels, Usage")
    faces = load_fer2013(spaced, tmp_path).splits["validation"].faces
    np.testing.assert_array_equal(faces, load_fer2013(csv, tmp_path).splits["validation"].faces)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f"7,{GREY},Training", "emotion '7' is not 0..6"),
        (f"-1,{GREY},Training", "emotion '-1' is not 0..6"),
        (f"0,{GREY},Testing", "Usage 'Testing' is not one of"),
        (f"0,{GREY} 100,Training", "2305 pixels, not 2304"),
        ("0,,Training", "0 pixels, not 2304"),
        (f"0,{GREY[:-3]}256,Training", "a pixel is outside 0..255"),
        (f"0,{GREY[:-3]}-1,Training", "a pixel is outside 0..255"),
        (f"0,{GREY[:-3]}1.5,Training", "not a whole number"),
        (f"0,{GREY[:-3]}{10**30},Training", "a far too large one"),
        (f"0,{GREY[:-3]}1_0,Training", "not a whole number"),
        (f"0,{GREY[:-3]}\u0661\u0660,Training", "not a whole number"),  # ten in Arabic digits
        ("3", "Usage '' is not one of"),
    ],
)
def test_a_wrong_row_is_named_by_its_line_and_the_file_refused_whole(
    csv: Path, tmp_path: Path, row: str, reason: str
) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(TrainingError, match=rf"line 5: .*{re.escape(reason)}"):
        load_fer2013(spoil(csv, tmp_path, row), cache)
    assert not cache.exists()


def test_many_wrong_rows_are_counted(tmp_path: Path) -> None:
    rows = "\n".join([f"9,{GREY},Training"] * 13)
    (tmp_path / "wrong.csv").write_text(f"emotion,pixels,Usage\n{rows}\n")
    with pytest.raises(TrainingError, match=r"line 11: .*\n\.\.\. and 3 more"):
        load_fer2013(tmp_path / "wrong.csv", tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "No columns"),
        (b"\x89PNG\r\n\x1a\n", "decode byte 0x89"),
        (f"emotion,pixels,Usage\n0,{GREY},Training,more\n".encode(), "line 2 has more cells"),
        (f"emotion,pixels,Usage\n0,{GREY},Training\n0,{GREY},Training,more\n".encode(), "line 3, saw 4"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "no-table.csv").write_bytes(content)
    with pytest.raises(TrainingError, match=f"cannot be read.*{reason}"):
        load_fer2013(tmp_path / "no-table.csv", tmp_path)


def test_blank_lines_are_left_out_and_counted(csv: Path, tmp_path: Path) -> None:
    lines = csv.read_text().splitlines()
    (tmp_path / "blank.csv").write_text("\n".join([*lines[:2], "", *lines[2:], ""]) + "\n")
    faces = load_fer2013(tmp_path / "blank.csv", tmp_path).splits["train"].faces
    np.testing.assert_array_equal(faces, load_fer2013(csv, tmp_path).splits["train"].faces)
    (tmp_path / "wrong.csv").write_text("\n".join([*lines[:2], "", "9,0,Training"]) + "\n")
    with pytest.raises(TrainingError, match="line 4: emotion '9'"):
        load_fer2013(tmp_path / "wrong.csv", tmp_path)


def test_a_file_of_other_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("emotion,Usage\n0,Training\n")
    with pytest.raises(TrainingError, match="no column pixels"):
        load_fer2013(tmp_path / "other.csv", tmp_path)


def test_a_file_without_a_test_split_is_refused(csv: Path, tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text(csv.read_text().replace("PrivateTest", "PublicTest"))
    with pytest.raises(TrainingError, match="no rows of the test split"):
        load_fer2013(tmp_path / "some.csv", tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"no file .*fer\.csv"):
        load_fer2013(tmp_path / "fer.csv", tmp_path)


def test_the_cache_is_used_for_the_same_content_only(
    csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load_fer2013(csv, tmp_path)
    changed = spoil(csv, tmp_path, f"3,{GREY},Training", line=2)
    assert load_fer2013(changed, tmp_path).splits["train"].labels[0] == 3

    monkeypatch.setattr("training.data.fer2013._decode", lambda file: pytest.fail("decoded again"))
    again = load_fer2013(csv, tmp_path)
    assert again.sha256 == before.sha256
    np.testing.assert_array_equal(again.splits["test"].faces, before.splits["test"].faces)


def test_a_label_may_have_spaces_around_it(csv: Path, tmp_path: Path) -> None:
    spaced = spoil(csv, tmp_path, f" 3 ,{GREY},Training", line=2)
    assert load_fer2013(spaced, tmp_path / "cache").splits["train"].labels[0] == 3


@pytest.mark.parametrize("header", ["emotion ,emotion,pixels,Usage", "emotion,emotion,pixels,Usage"])
def test_two_columns_of_one_name_are_refused(tmp_path: Path, header: str) -> None:
    (tmp_path / "twice.csv").write_text(f"{header}\n0,1,{GREY},Training\n")
    with pytest.raises(TrainingError, match="more than one column emotion"):
        load_fer2013(tmp_path / "twice.csv", tmp_path)
