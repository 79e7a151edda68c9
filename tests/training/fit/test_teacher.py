import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.training import tiny
from training.__main__ import main
from training.config import RECIPES
from training.data.fer2013 import load_fer2013
from training.fit.batches import blend_with_teacher
from training.fit.teacher import Teacher, average_answers


def test_targets_are_mixed_with_the_teachers_answers() -> None:
    labels = {"fer": np.array([[1, 0], [0, 0]], np.float32), "ferplus": np.array([[0, 1], [0, 1]], np.float32)}
    mixed = blend_with_teacher(labels, {"fer": np.array([[0.4, 0.6], [0.5, 0.5]], np.float32)}, 0.25)
    np.testing.assert_allclose(
        mixed["fer"], np.array([[0.85, 0.15], [0.0, 0.0]]), rtol=1e-6
    )  # the second face has no label, and gets none
    np.testing.assert_array_equal(mixed["ferplus"], labels["ferplus"])


def test_a_run_learns_from_a_teacher_of_another_architecture_and_goes_on(
    csv: Path, release_of_both: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    taught_by = [*tiny.train_arguments(csv, run, epochs=1), "--teacher", str(release_of_both), "--teacher-share", "0.7"]
    assert main(taught_by) == 0
    config = json.loads((run / "config.json").read_text())
    assert (config["teacher_share"], len(config["teacher"])) == (0.7, 64)
    before = (run / "log.csv").read_bytes()
    assert main(taught_by) == 0
    assert (run / "log.csv").read_bytes() == before

    assert main([*tiny.train_arguments(csv, run, epochs=1)]) == 1
    assert "other settings or data" in capsys.readouterr().err


def test_a_teacher_is_asked_once_and_answers_the_same_for_a_face_and_its_mirror_image(
    csv: Path, release_of_both: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, config = load_fer2013(csv, csv.parent / "cache"), RECIPES[tiny.POOLED]
    answers = Teacher.load(release_of_both, tmp_path).answers(data, config)
    assert {name: answer.shape for name, answer in answers.items()} == {"fer": (42, 7), "ferplus": (42, 7)}
    np.testing.assert_allclose(answers["fer"].sum(axis=1), 1, atol=1e-5)
    monkeypatch.setattr(Teacher, "_compute", lambda *_: pytest.fail("asked again"))
    again = Teacher.load(release_of_both, tmp_path).answers(data, config)
    np.testing.assert_array_equal(answers["fer"], again["fer"])


def test_the_answers_of_several_teachers_are_averaged(
    csv: Path, release: Path, release_of_both: Path, tmp_path: Path
) -> None:
    data, config = load_fer2013(csv, csv.parent / "cache"), RECIPES[tiny.POOLED]
    teachers = [Teacher.load(folder, tmp_path) for folder in (release, release_of_both)]
    first, second = (teacher.answers(data, config) for teacher in teachers)
    answers = average_answers(teachers, data, config)
    np.testing.assert_allclose(answers["fer"], (first["fer"] + second["fer"]) / 2, atol=1e-6)
    np.testing.assert_array_equal(
        answers["ferplus"], second["ferplus"]
    )  # the first teacher has not learnt this labelling
    assert average_answers([], data, config) == {}


def test_a_teacher_that_learnt_something_else_is_refused(
    csv: Path, release_of_both: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = tiny.train_arguments(csv, tmp_path / "run", epochs=1)
    assert main([*arguments, "--teacher", str(tmp_path)]) == 1
    assert "has neither network.keras nor best.keras" in capsys.readouterr().err
    of_two_classes = [*arguments, "--classes", "happy,sad", "--teacher", str(release_of_both)]
    assert main(of_two_classes) == 1
    assert "surprise, neutral apart, not happy, sad." in capsys.readouterr().err
    assert main([*arguments, "--teacher-share", "0.5"]) == 1
    assert "goes with --teacher" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("option", ["--teacher", "--from"])
@pytest.mark.parametrize("of", ["run", "release"])
def test_other_classes_of_the_same_number_are_refused(
    csv: Path,
    uninterrupted_run: Path,
    release: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    option: str,
    of: str,
) -> None:
    folder = shutil.copytree(uninterrupted_run if of == "run" else release, tmp_path / "other")
    file = folder / ("config.json" if of == "run" else "card.json")
    card = json.loads(file.read_text())
    card["classes"] = ["neutral", *card["classes"][:-1]]
    file.write_text(json.dumps(card))
    assert main([*tiny.train_arguments(csv, tmp_path / "run", epochs=1), option, str(folder)]) == 1
    assert "tells neutral, angry, disgust, fear, happy, sad, surprise apart, not angry" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_released_network_without_its_card_is_refused(
    csv: Path, release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other").mkdir()
    shutil.copy(release / "network.keras", tmp_path / "other")
    assert main([*tiny.train_arguments(csv, tmp_path / "run"), "--teacher", str(tmp_path / "other")]) == 1
    assert "card.json does not say which classes network.keras tells apart" in capsys.readouterr().err


def test_answers_of_another_form_are_not_taken_from_the_cache(csv: Path, release: Path, tmp_path: Path) -> None:
    data, config = load_fer2013(csv, csv.parent / "cache"), RECIPES[tiny.ARCHITECTURE]
    teacher = Teacher.load(release, tmp_path / "cache")
    answers = teacher.answers(data, config)["fer"]
    (file,) = (tmp_path / "cache").iterdir()
    np.savez(file, fer=answers[:5])
    np.testing.assert_allclose(teacher.answers(data, config)["fer"], answers, atol=1e-6)
