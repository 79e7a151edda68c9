import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from ml.classifier import EmotionClassifier
from ml.labels import Emotion
from ml.preprocessing import normalise
from ml.registry import read_model
from tests.support.training.disk import full_disk
from training.__main__ import main
from training.data.dataset import Dataset, Split
from training.data.fer2013 import load_fer2013
from training.errors import TrainingError
from training.fit.trained import load_best_network
from training.release.export import ReleaseOptions
from training.release.export import export as export_run
from training.release.graph import write_onnx
from training.release.temperature import apply_temperatures


def export(run: Path, csv: Path, out: Path) -> int:
    data = ["--data", str(csv), "--cache", str(csv.parent / "cache")]
    return main(
        ["export", "--run", str(run), *data, "--out", str(out)]
    )  # the release gets the name of the architecture


def card_json(release: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((release / "card.json").read_text())
    return content


def test_the_pipeline_reads_the_release_and_scores_as_keras_does(csv: Path, release: Path, bfloat16_run: Path) -> None:
    card, weights = read_model(release.name, release.parent)
    faces = load_fer2013(csv, csv.parent / "cache").splits["train"].faces
    inputs = normalise(faces, card.preprocessing)
    scores = EmotionClassifier(weights, card).classify(inputs)
    calibrated = load_best_network(bfloat16_run)
    apply_temperatures(calibrated, {"fer": card_json(release)["outputs"]["fer"]["temperature"]})
    np.testing.assert_allclose(scores, calibrated.predict_on_batch(inputs)["fer"], atol=1e-4)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_the_batch_axis_is_free_and_the_ends_have_names(release: Path) -> None:
    session = onnxruntime.InferenceSession(release / "model.onnx", providers=["CPUExecutionProvider"])
    assert [(end.name, end.shape) for end in session.get_inputs()] == [("face", ["batch", 48, 48, 1])]
    assert [(end.name, end.shape) for end in session.get_outputs()] == [("fer", ["batch", 7])]
    for faces in (1, 5):
        (scores,) = session.run(None, {"face": np.zeros((faces, 48, 48, 1), np.float32)})
        assert scores.shape == (faces, 7)


def test_the_graph_is_for_inference_in_float32(release: Path) -> None:
    graph = onnx.load(release / "model.onnx").graph
    kinds = {node.op_type for node in graph.node}
    assert "Conv" in kinds
    assert not kinds & {"BatchNormalization", "Dropout", "Identity"}
    weights = {tensor.data_type for tensor in graph.initializer} - {onnx.TensorProto.INT64, onnx.TensorProto.INT32}
    assert weights == {onnx.TensorProto.FLOAT}


def test_the_card_says_what_was_trained_on_what_and_how_good_it_is(
    csv: Path, release: Path, bfloat16_run: Path
) -> None:
    card = card_json(release)
    run = json.loads((bfloat16_run / "config.json").read_text())
    assert card["sha256"] == hashlib.sha256((release / "model.onnx").read_bytes()).hexdigest()
    assert card["data"]["sha256"] == hashlib.sha256(csv.read_bytes()).hexdigest()
    assert card["data"]["images"] == {"train": 42, "validation": 14, "test": 14}
    assert card["preprocessing"] == {"margin": 1.1, "aligned": False, "normalisation": "standardise"}
    assert card["training"]["epochs"]["configured"] == card["training"]["epochs"]["completed"] == 2
    assert card["training"]["commit"] == run["commit"]
    assert card["training"]["seed"] == 2013
    for split in ("validation", "test"):
        metrics = card["outputs"]["fer"]["metrics"][split]
        confusion = np.array(metrics["confusion"])
        assert confusion.sum() == metrics["images"] == 14
        assert confusion.trace() / 14 == pytest.approx(metrics["accuracy"], abs=1e-4)
        assert len(metrics["classes"]) == 7


def test_other_data_is_not_called_fer_2013(release: Path) -> None:
    card = card_json(release)
    assert card["data"]["name"] == "fer2013.csv"  # the name of the file, as it holds only 70 images
    assert card["licence_note"].startswith("Trained on fer2013.csv (70 images), which is not part of this release")
    assert "FER-2013" not in " ".join(card["limitations"])


@pytest.mark.parametrize(("images", "name"), [(35_887, "FER-2013"), (35_707, "FER-2013"), (35_886, "faces.csv")])
def test_fer_2013_is_known_by_its_number_of_images(images: int, name: str) -> None:
    split = Split(np.zeros((images, 1, 1), np.uint8), np.zeros(images, np.int64))
    assert Dataset({"train": split}, "").named_after(Path("faces.csv")).name == name


def test_the_documents_of_the_run_come_along(release: Path, bfloat16_run: Path) -> None:
    assert {file.name for file in release.iterdir()} == {
        *("model.onnx", "card.json", "network.keras", "config.json", "curves.png", "log.csv")
    }
    assert (release / "log.csv").read_bytes() == (bfloat16_run / "log.csv").read_bytes()


def alter_weights(network: keras.Model, size: int, file: Path, classes: Sequence[Emotion], flip: bool) -> None:
    weights = network.get_weights()
    network.set_weights([*weights[:-2], *(each[..., ::-1] for each in weights[-2:])])  # the classes in another order
    WRITE_ONNX(network, size, file, classes, flip=flip)
    network.set_weights(weights)


def make_nan(network: keras.Model, size: int, file: Path, classes: Sequence[Emotion], flip: bool) -> None:
    weights = network.get_weights()
    network.set_weights([each * np.nan for each in weights])
    WRITE_ONNX(network, size, file, classes, flip=flip)
    network.set_weights(weights)


def break_file(network: keras.Model, size: int, file: Path, classes: Sequence[Emotion], flip: bool) -> None:
    WRITE_ONNX(network, size, file, classes, flip=flip)
    file.write_bytes(file.read_bytes()[:5000])


def stop(network: keras.Model, size: int, file: Path, classes: Sequence[Emotion], flip: bool) -> None:
    WRITE_ONNX(network, size, file, classes, flip=flip)
    raise KeyboardInterrupt


WRITE_ONNX = write_onnx


@pytest.mark.parametrize(
    ("write", "status", "message"),
    [
        (alter_weights, 1, "ONNX Runtime and Keras differ by"),
        (make_nan, 1, "ONNX Runtime and Keras differ by nan"),
        (break_file, 1, "cannot be loaded"),
        (stop, 130, "Nothing was released"),
    ],
)
def test_a_failed_export_leaves_nothing_behind(
    csv: Path,
    bfloat16_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    write: Callable[..., None],
    status: int,
    message: str,
) -> None:
    monkeypatch.setattr("training.release.export.write_onnx", write)
    assert export(bfloat16_run, csv, tmp_path / "models") == status
    assert message in capsys.readouterr().err
    assert not list((tmp_path / "models").iterdir())


def test_a_release_is_not_overwritten(
    csv: Path, release: Path, bfloat16_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (release / "card.json").read_bytes()
    assert export(bfloat16_run, csv, release.parent) == 1
    assert "exists already" in capsys.readouterr().err
    assert (release / "card.json").read_bytes() == before


def test_a_run_is_exported_with_its_own_data_only(
    csv: Path, bfloat16_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Path(shutil.copy(csv, tmp_path / "other.csv"))
    other.write_text(csv.read_text().replace("PublicTest", "Training", 1))
    assert main(["export", "--run", str(bfloat16_run), "--data", str(other), "--cache", str(tmp_path)]) == 1
    assert "trained on another data file" in capsys.readouterr().err


def export_both(run: Path, csv: Path, out: Path, *arguments: str) -> int:
    data = ["--data", str(csv), "--votes", str(csv.parent / "votes.csv"), "--cache", str(csv.parent / "cache")]
    return main(["export", "--run", str(run), *data, "--out", str(out), "--name", "both", *arguments])


def test_each_labelling_is_an_output_of_the_graph(release_of_both: Path) -> None:
    session = onnxruntime.InferenceSession(release_of_both / "model.onnx", providers=["CPUExecutionProvider"])
    assert [(end.name, end.shape) for end in session.get_inputs()] == [("face", ["batch", 48, 48, 1])]
    ends = [(end.name, end.shape) for end in session.get_outputs()]
    assert ends == [("fer", ["batch", 7]), ("ferplus", ["batch", 7])]


def test_the_pipeline_answers_with_the_served_output(csv: Path, release_of_both: Path, run_of_both: Path) -> None:
    card, weights = read_model(release_of_both.name, release_of_both.parent)
    assert (card.output, card.version, card.preprocessing.aligned) == ("ferplus", "2.1.0", True)
    assert 0 < card.uncertain_below < 1
    network, outputs = load_best_network(run_of_both), card_json(release_of_both)["outputs"]
    apply_temperatures(network, {labelling: outputs[labelling]["temperature"] for labelling in outputs})
    inputs = normalise(load_fer2013(csv, csv.parent / "cache").splits["test"].faces, card.preprocessing)
    expected = network.predict_on_batch(inputs)
    np.testing.assert_allclose(EmotionClassifier(weights, card).classify(inputs), expected["ferplus"], atol=1e-3)
    np.testing.assert_allclose(
        EmotionClassifier(weights, card, output="fer").classify(inputs), expected["fer"], atol=1e-3
    )


def test_the_card_has_the_figures_of_each_output(release_of_both: Path) -> None:
    card = card_json(release_of_both)
    assert card["outputs"].keys() == {"fer", "ferplus"}
    for labelling, left_out in (("fer", 0), ("ferplus", 1)):  # see tiny.write_votes
        output = card["outputs"][labelling]
        assert output["temperature"] > 0
        for split in ("validation", "test"):
            metrics = output["metrics"][split]
            assert (metrics["images"], metrics["without_majority"]) == (14 - left_out, left_out)
            assert 0 <= metrics["calibration_error"] <= 1
            assert sum(each["faces"] for each in metrics["reliability"]) == metrics["images"]
            assert metrics["at_threshold"]["threshold"] == card["uncertain_below"]
    assert card["milliseconds_a_face"] > 0


def test_the_card_tells_the_whole_training(release_of_both: Path, release: Path) -> None:
    training = card_json(release_of_both)["training"]
    assert training["optimizer"].startswith("SGD with Nesterov momentum 0.9")
    assert "FER+" in training["loss"]
    assert (training["averaging"], training["augmentation"], training["mixup"]) == (0.8, "strong", 0.2)
    assert card_json(release)["training"]["optimizer"].startswith("Adam")


def test_another_output_can_be_served_but_only_one_that_was_learnt(
    csv: Path, run_of_both: Path, bfloat16_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export_both(run_of_both, csv, tmp_path / "models", "--serve", "fer") == 0
    assert card_json(tmp_path / "models" / "both")["output"] == "fer"
    assert export_both(bfloat16_run, csv, tmp_path / "others", "--serve", "ferplus") == 1
    assert "has not learnt ferplus, only fer" in capsys.readouterr().err


def test_figures_on_votes_need_the_votes(
    csv: Path, run_of_both: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(run_of_both, csv, tmp_path / "models") == 1
    assert "name the fer2013new.csv with --votes" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (("--margin", "20"), "must be a number above 0 and below 10"),
        (("--version", "1.0 beta/../"), "use letters, digits, dots, hyphens and plus signs"),
    ],
)
def test_what_no_card_may_say_is_refused_at_once(
    csv: Path, bfloat16_run: Path, capsys: pytest.CaptureFixture[str], choice: tuple[str, str], message: str
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["export", "--run", str(bfloat16_run), "--data", str(csv), *choice])
    assert exited.value.code == 2
    assert message in capsys.readouterr().err


def test_what_the_pipeline_would_not_load_is_not_released(csv: Path, bfloat16_run: Path, tmp_path: Path) -> None:
    data = load_fer2013(csv, csv.parent / "cache")
    with pytest.raises(TrainingError, match=r"would not load this release: .*margin must be positive.* released\.$"):
        export_run(bfloat16_run, data, tmp_path / "models", ReleaseOptions("wide", "1.0.0", margin=20))
    assert not list((tmp_path / "models").iterdir())


def test_a_missing_document_of_the_run_is_named(
    csv: Path, bfloat16_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(bfloat16_run, tmp_path / "run"))
    (run / "curves.png").unlink()
    assert export(run, csv, tmp_path / "models") == 1
    shown = capsys.readouterr().err
    assert "curves.png of the run cannot be read" in shown
    assert "cannot be written" not in shown


def test_data_without_a_test_split_is_refused_before_the_work(
    csv: Path, bfloat16_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.release.export.load_best_network", pytest.fail)
    data = load_fer2013(csv, csv.parent / "cache")
    data = replace(data, splits={name: split for name, split in data.splits.items() if name != "test"})
    with pytest.raises(TrainingError, match="has no test split"):
        export_run(bfloat16_run, data, tmp_path / "models", ReleaseOptions("half", "1.0.0", margin=1))


def test_a_full_disk_releases_nothing(
    csv: Path, bfloat16_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with full_disk(bytes_left=2000):
        assert export(bfloat16_run, csv, tmp_path / "models") == 1
    assert "Nothing was released" in capsys.readouterr().err
    assert not list((tmp_path / "models").iterdir())


@pytest.mark.parametrize("variant", ["", "-int8"])
def test_a_release_may_answer_with_the_mean_over_face_and_mirror_image(
    csv: Path, run_of_both: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variant: str
) -> None:
    monkeypatch.setattr("training.release.quantisation.COSTS_LESS_THAN", 1.0)
    assert export_both(run_of_both, csv, tmp_path / "models", "--flip", *(["--int8"] if variant else [])) == 0
    released = tmp_path / "models" / f"both{variant}"
    card, weights = read_model(released.name, released.parent)
    assert card_json(released)["export"]["averaged_with_mirror_image"] is True
    faces = load_fer2013(csv, csv.parent / "cache").splits["test"].faces
    inputs = normalise(faces, card.preprocessing)
    scores = EmotionClassifier(weights, card).classify(inputs)
    np.testing.assert_allclose(EmotionClassifier(weights, card).classify(inputs[:, :, ::-1].copy()), scores, atol=1e-5)
    network, outputs = load_best_network(run_of_both), card_json(released)["outputs"]
    apply_temperatures(network, {labelling: outputs[labelling]["temperature"] for labelling in outputs})
    views = [np.log(network.predict_on_batch(view)["ferplus"]) for view in (inputs, inputs[:, :, ::-1])]
    product = np.exp(np.mean(views, axis=0))
    expected = product / product.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(scores, expected, atol=0.05 if variant else 1e-3)


def test_the_int8_variant_is_a_release_of_its_own(
    csv: Path, run_of_both: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.release.quantisation.COSTS_LESS_THAN", 1.0)  # with so few faces, one is 7 points
    assert export_both(run_of_both, csv, tmp_path / "models", "--int8") == 0
    released = tmp_path / "models" / "both-int8"
    card, weights = read_model(released.name, released.parent)
    assert card.name == "both-int8"
    kinds = {tensor.data_type for tensor in onnx.load_model_from_string(weights).graph.initializer}
    assert onnx.TensorProto.INT8 in kinds
    scores = EmotionClassifier(weights, card).classify(np.zeros((2, 48, 48, 1), np.float32))
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-3)
    assert card_json(released)["export"]["weights"] == "int8"


def test_an_int8_variant_that_costs_too_much_is_refused_with_the_figures(
    csv: Path, run_of_both: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.release.quantisation.COSTS_LESS_THAN", -1.0)
    assert export_both(run_of_both, csv, tmp_path / "models", "--int8") == 1
    shown = capsys.readouterr().err
    assert "points of validation accuracy (fer " in shown
    assert "Nothing was released" in shown
    assert not list((tmp_path / "models").iterdir())
