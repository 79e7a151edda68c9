from pathlib import Path

import pytest

from ml.errors import ModelUnavailable
from ml.labels import EMOTIONS
from ml.registry import check_model, load_card, read_model
from tests.support.small_model import small_classifier, write_model


def test_reads_a_model_with_its_card(model_folder: Path) -> None:
    card, weights = read_model("reference-cnn", model_folder)
    assert card.model_version == "reference-cnn@1"
    assert card.classes == EMOTIONS
    assert (card.preprocessing.size, card.preprocessing.margin) == (48, 1.0)
    assert weights == small_classifier()
    assert check_model("reference-cnn", model_folder) == card == load_card("reference-cnn", model_folder)


@pytest.mark.parametrize("file", ["model.onnx", "card.json"])
def test_names_a_missing_file_and_what_to_do(tmp_path: Path, file: str) -> None:
    write_model(tmp_path / "gone", small_classifier())
    (tmp_path / "gone" / file).unlink()
    with pytest.raises(ModelUnavailable, match=rf"gone/{file} cannot be read .*git checkout"):
        check_model("gone", tmp_path)


def test_refuses_an_altered_model(tmp_path: Path) -> None:
    write_model(tmp_path / "altered", small_classifier())
    with (tmp_path / "altered" / "model.onnx").open("ab") as file:
        file.write(b"\0")
    assert load_card("altered", tmp_path).name == "altered"
    with pytest.raises(ModelUnavailable, match=r"altered/model\.onnx .*sha256"):
        check_model("altered", tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": ["sad", "happy"]},
        {"classes": ["happy"]},
        {"classes": ["joyful"] * 7},
        {"classes": None},
        {"input": {"size": 48, "channels": 3}},
        {"input": {"size": "large", "channels": 1}},
        {"preprocessing": {"margin": 0, "normalisation": "standardise"}},
        {"preprocessing": {"margin": 1.0, "normalisation": "magic"}},
        {"preprocessing": {}},
    ],
)
def test_refuses_a_card_that_says_nonsense(tmp_path: Path, changes: dict[str, object]) -> None:
    write_model(tmp_path / "odd", small_classifier(), **changes)
    with pytest.raises(ModelUnavailable, match=r"odd/card\.json is not valid"):
        check_model("odd", tmp_path)


def test_a_model_of_some_classes_is_for_comparing_only(tmp_path: Path) -> None:
    write_model(tmp_path / "few", small_classifier(classes=2), classes=["happy", "sad"])
    with pytest.raises(ModelUnavailable, match=r"few@1 does not know angry, disgust, fear, surprise, neutral\."):
        check_model("few", tmp_path)
    assert read_model("few", tmp_path, every_class=False)[0].classes == ("happy", "sad")


@pytest.mark.parametrize("text", ["", "{", "[]", '"card"'])
def test_refuses_a_card_that_is_no_card(tmp_path: Path, text: str) -> None:
    write_model(tmp_path / "odd", small_classifier())
    (tmp_path / "odd" / "card.json").write_text(text)
    with pytest.raises(ModelUnavailable, match="not valid"):
        load_card("odd", tmp_path)


@pytest.mark.parametrize("name", ["../reference-cnn", "/etc", "", ".", "a/b", "a\\b", "..", "Ref erence"])
def test_a_name_cannot_leave_the_folder(model_folder: Path, name: str) -> None:
    with pytest.raises(ModelUnavailable, match="not a model name"):
        check_model(name, model_folder)
