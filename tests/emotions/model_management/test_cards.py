"""Test what staff read about a released model, whatever its card.json holds."""

import json
from pathlib import Path
from typing import Any

import pytest

from emotions.model_management.cards import released_model, released_models
from ml.labels import EMOTIONS
from ml.registry import MODELS_DIR
from tests.support.small_model import small_classifier, write_model

CONFUSION = [[9 if row == column else 1 for column in range(7)] for row in range(7)]
FIGURES: dict[str, Any] = {
    "images": 105,
    "accuracy": 0.6,
    "macro_f1": 0.55,
    "calibration_error": 0.02,
    "classes": {emotion: {"images": 15, "precision": 0.5, "recall": 0.6, "f1": 0.55} for emotion in EMOTIONS},
    "confusion": CONFUSION,
}


def titles(folder: Path, **card: object) -> list[str]:
    write_model(folder, small_classifier(), **card)
    return [figures.title for figures in released_model(folder.name, folder.parent).figures]


def test_the_reference_model_s_card_is_read_whole() -> None:
    model = released_model("reference-cnn", MODELS_DIR)
    test = model.figures[0]
    assert (model.problem, test.title, test.accuracy_text) == ("", "Test split, FER-2013 labels", "63.7%")
    assert model.intended_use.startswith("Showing staff")
    assert len(model.not_for) == 4
    happy = next(each for each in test.classes if each.emotion == "happy")
    assert sum(cell.count for cell in happy.confusion) == happy.images == 876
    assert [cell.percent for cell in happy.confusion if cell.right] == [86]


def test_figures_of_each_labelling_are_told_apart_and_the_answering_one_comes_first(tmp_path: Path) -> None:
    outputs = {name: {"metrics": {"validation": FIGURES, "test": FIGURES}} for name in ("fer", "ferplus")}
    assert titles(tmp_path / "models" / "both", output="ferplus", outputs=outputs) == [
        "Test split, FER+ labels",
        "Validation split, FER+ labels",
        "Test split, FER-2013 labels",
        "Validation split, FER-2013 labels",
    ]


@pytest.mark.parametrize(
    ("export", "told"),
    [
        ({"averaged_with_mirror_image": True, "weights": "int8"}, ["mirror image", "eight bits"]),
        ({"averaged_with_mirror_image": False, "weights": "float32"}, []),
        ("yes", []),
    ],
)
def test_what_the_file_does_beside_the_network_is_told(tmp_path: Path, export: object, told: list[str]) -> None:
    write_model(tmp_path / "models" / "made", small_classifier(), export=export)
    making = released_model("made", tmp_path / "models").making
    assert len(making) == len(told)
    assert all(part in sentence for part, sentence in zip(told, making, strict=True))


def test_whole_photos_the_threshold_and_the_time_are_told(tmp_path: Path) -> None:
    metrics = {"test": FIGURES | {"at_threshold": {"threshold": 0.5, "answered": 0.9716, "right": 0.88}}}
    whole_photos = FIGURES | {"photos": 190, "faces_found": 187, "accuracy": 0.5737}
    write_model(
        tmp_path / "models" / "told",
        small_classifier(),
        metrics=metrics,
        whole_photos=whole_photos,
        milliseconds_a_face=3.46,
    )
    model = released_model("told", tmp_path / "models")
    assert [figures.title for figures in model.figures] == ["Test split", "Whole photos, from finding the face on"]
    assert model.figures[0].at_threshold_text == "names an emotion for 97.2% of the faces, 88.0% of these rightly"
    assert model.on_whole_photos is model.figures[1]
    assert (model.figures[1].images, model.figures[1].accuracy_text) == (190, "57.4%")
    assert model.figures[1].at_threshold_text == ""
    assert model.milliseconds_a_face == 3.46


@pytest.mark.parametrize(
    "metrics",
    [None, [], "good", {"test": None}, {"test": {"accuracy": "high", "confusion": [[1]], "classes": []}}],
)
def test_nonsense_in_the_figures_is_left_out(tmp_path: Path, metrics: object) -> None:
    write_model(tmp_path / "models" / "odd", small_classifier(), metrics=metrics, not_for="war", limitations=[1])
    model = released_model("odd", tmp_path / "models")
    assert (model.problem, model.not_for, model.limitations) == ("", ["war"], [])
    assert all(figures.accuracy is None and not figures.has_confusion for figures in model.figures)


def test_folders_that_hold_no_usable_model_are_listed_with_the_reason(tmp_path: Path) -> None:
    models = tmp_path / "models"
    write_model(models / "good", small_classifier())
    write_model(models / "altered", small_classifier(), sha256="0" * 64)
    write_model(models / "broken", small_classifier())
    (models / "broken" / "card.json").write_text(json.dumps({"name": "broken"}))
    (models / "Wrong Name").mkdir()
    (models / ".hidden").mkdir()
    problems = {model.folder: model.problem for model in released_models(models)}
    assert set(problems) == {"good", "altered", "broken", "Wrong Name"}
    assert problems["good"] == ""
    assert "not the one that its card describes" in problems["altered"]
    assert "is not valid" in problems["broken"]
    assert "is not a model name" in problems["Wrong Name"]


def test_without_the_folder_there_are_no_models(tmp_path: Path) -> None:
    assert released_models(tmp_path / "nowhere") == []
