import errno
import io
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.data.sources import load_faces
from training.errors import TrainingError

ANGRY, HAPPY, SAD = 0, 3, 4


def save(file: Path, grey: int, size: tuple[int, int] = (48, 48), mode: str = "L") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, grey).convert(mode).save(file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    images = tmp_path / "faces"
    for index in range(20):
        save(images / "train" / "happy" / f"{index:02}.png", 10 + index)
    save(images / "train" / "anger" / "a.jpg", 100, (90, 120), "RGB")
    save(images / "test" / "Sadness" / "b.webp", 200, (20, 30), "RGB")
    return images


def test_class_folders_become_labelled_grey_faces(folder: Path, tmp_path: Path) -> None:
    data = load_faces(folder, tmp_path / "cache")
    train, test = data.splits["train"], data.splits["test"]
    assert train.faces.shape == (19, 48, 48)
    assert sorted(set(train.labels.tolist())) == [ANGRY, HAPPY]
    assert test.labels.tolist() == [SAD]
    assert abs(int(test.faces[0, 24, 24]) - 200) < 3
    assert data.name == "faces"


def test_without_a_validation_folder_every_tenth_training_image_validates(folder: Path, tmp_path: Path) -> None:
    held_out = load_faces(folder, tmp_path / "cache").splits["validation"]
    assert held_out.labels.tolist() == [HAPPY, HAPPY]


@pytest.mark.parametrize("name", ["val", "validation", "VAL"])
def test_a_validation_folder_is_used(folder: Path, tmp_path: Path, name: str) -> None:
    save(folder / name / "fear" / "c.bmp", 50)
    data = load_faces(folder, tmp_path / "cache")
    assert data.splits["validation"].labels.tolist() == [2]
    assert len(data.splits["train"].labels) == 21


def test_one_folder_of_classes_is_all_to_be_scored(folder: Path, tmp_path: Path) -> None:
    data = load_faces(folder / "train", tmp_path / "cache")
    assert list(data.splits) == ["test"]
    assert len(data.splits["test"].labels) == 21
    with pytest.raises(TrainingError, match="train has no validation split, only test"):
        data.split("validation")


def test_a_label_counts_for_both_labellings(folder: Path, tmp_path: Path) -> None:
    split = load_faces(folder, tmp_path / "cache").splits["train"]
    np.testing.assert_array_equal(split.labels_by("ferplus"), split.labels)


def test_a_narrow_face_keeps_its_shape(tmp_path: Path) -> None:
    narrow = np.zeros((96, 48), np.uint8)
    narrow[:, 24:] = 255
    (tmp_path / "narrow" / "happy").mkdir(parents=True)
    Image.fromarray(narrow).save(tmp_path / "narrow" / "happy" / "half.png")
    face = load_faces(tmp_path / "narrow", tmp_path / "cache").splits["test"].faces[0]
    assert (face[:, :24] == 0).all()
    assert (face[:, 24:] == 255).all()


def test_every_file_that_is_no_image_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "train" / "happy" / "notes.txt").write_text("not an image")
    (folder / "test" / "Sadness" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "train" / "happy" / ".DS_Store").write_bytes(b"of the file manager")
    with pytest.raises(TrainingError) as refused:
        load_faces(folder, tmp_path / "cache")
    assert "happy/notes.txt: The file is not a photo" in str(refused.value)
    assert "Sadness/cut.png: " in str(refused.value)
    assert ".DS_Store" not in str(refused.value)
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_is_no_class_is_named(folder: Path, tmp_path: Path) -> None:
    save(folder / "train" / "contempt" / "d.png", 5)
    with pytest.raises(TrainingError, match="no class: contempt"):
        load_faces(folder, tmp_path / "cache")


def test_what_is_no_split_beside_splits_is_named(folder: Path, tmp_path: Path) -> None:
    save(folder / "more" / "happy" / "d.png", 5)
    with pytest.raises(TrainingError, match="holds more beside train"):
        load_faces(folder, tmp_path / "cache")


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="holds no images"):
        load_faces(tmp_path / "empty", tmp_path / "cache")


def test_the_cache_follows_names_and_contents(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_faces(folder, tmp_path / "cache")
    (folder / "train" / "happy" / "00.png").rename(folder / "train" / "happy" / "renamed.png")
    renamed = load_faces(folder, tmp_path / "cache")
    save(folder / "train" / "happy" / "renamed.png", 77)
    changed = load_faces(folder, tmp_path / "cache")
    assert len({first.sha256, renamed.sha256, changed.sha256}) == 3

    moved = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    monkeypatch.setattr("training.data.folders.read_face", lambda file: pytest.fail("decoded again"))
    assert load_faces(moved, tmp_path / "cache").sha256 == changed.sha256


def test_votes_do_not_go_with_a_folder(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="Leave out --votes"):
        load_faces(folder, tmp_path / "cache", tmp_path / "votes.csv")


@pytest.mark.parametrize(("first", "second"), [("val", "validation"), ("Train", "train")])
def test_two_folders_of_one_split_are_refused(folder: Path, tmp_path: Path, first: str, second: str) -> None:
    for name in (first, second):
        save(folder / name / "fear" / "c.png", 50)
    with pytest.raises(TrainingError, match=f"holds {first} and {second}, which are one split"):
        load_faces(folder, tmp_path / "cache")


def unreadable(monkeypatch: pytest.MonkeyPatch, module: object, name: str, path: Path) -> None:
    """The call `name` is denied for `path`: root, as whom tests may run, can read everything."""
    call = getattr(module, name)

    def denied(asked: str | Path, *arguments: object, **options: object) -> object:
        if Path(asked) == path:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return call(asked, *arguments, **options)

    monkeypatch.setattr(module, name, denied)


@pytest.mark.parametrize("name", ["train/happy", "test/Sadness"])
def test_a_class_folder_that_cannot_be_read_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    unreadable(monkeypatch, os, "scandir", folder / name)
    with pytest.raises(TrainingError, match=rf"{name} cannot be read \(Permission denied\)"):
        load_faces(folder, tmp_path / "cache")


def test_an_image_that_cannot_be_read_is_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unreadable(monkeypatch, io, "open", folder / "train" / "anger" / "a.jpg")
    with pytest.raises(TrainingError, match=r"a\.jpg cannot be read \(Permission denied\)"):
        load_faces(folder, tmp_path / "cache")


def test_a_csv_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fer2013.csv").touch()
    unreadable(monkeypatch, io, "open", tmp_path / "fer2013.csv")
    with pytest.raises(TrainingError, match=r"fer2013\.csv cannot be read \(Permission denied\)"):
        load_faces(tmp_path / "fer2013.csv", tmp_path / "cache")
