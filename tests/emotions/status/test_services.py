"""Test the line that says whether photos can be analysed."""

import shutil
from pathlib import Path

import pytest
from pytest_django import Settings

from emotions.status.services import analysis_problem


@pytest.mark.django_db
def test_the_line_is_empty_again_once_the_model_is_back(settings: Settings, model_folder: Path, tmp_path: Path) -> None:
    settings.MODELS_DIR = tmp_path
    assert "card.json cannot be read" in analysis_problem()
    shutil.copytree(model_folder / "reference-cnn", tmp_path / "reference-cnn")
    assert analysis_problem() == ""
    (tmp_path / "reference-cnn" / "model.onnx").write_bytes(b"something else")
    assert "model.onnx is not the one that its card describes" in analysis_problem()
