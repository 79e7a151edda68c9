"""A run -> a released model: model.onnx, its card, and the documents of its training."""

import hashlib
import json
import os
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import onnx

from ml.classifier import EmotionClassifier
from ml.errors import ModelUnavailable
from ml.labels import EMOTIONS
from ml.types import GreyFaces, ModelCard, Preprocessing
from training.card import Release, card_of, card_text
from training.data import Fer2013, Split
from training.duplicates import near_duplicates
from training.errors import TrainingError
from training.metrics import Metrics, measure
from training.run_folder import BEST_FILE, CURVES_FILE, LOG_FILE, best_epoch, read_log, read_record
from training.scoring import Classifier, predict, score
from training.trained import best_network

COMPARED_FACES = 500
LARGEST_DIFFERENCE = 1e-4


def export(run: Path, data: Fer2013, out: Path, name: str, version: str, margin: float) -> Path:
    """Write the release folder `out`/`name` from the best epoch of `run` and return it.

    ONNX Runtime must give what Keras gives, within LARGEST_DIFFERENCE, on real faces of the validation
    split. Validation and test are then scored through the exported file.
    Raises TrainingError if it does not, if the run was trained on other data than `data`, or if the
    folder exists already: a release does not change. Nothing is left behind in either case.
    """
    record = read_record(run)
    record.check_data(data)
    network, preprocessing, log = best_network(run), record.config.preprocessing, read_log(run)
    with _release_folder(out / name) as folder:
        model_file = folder / "model.onnx"
        write_onnx(network, model_file)
        sha256 = hashlib.sha256(model_file.read_bytes()).hexdigest()
        card = ModelCard(name, version, EMOTIONS, replace(preprocessing, margin=margin), sha256)
        classify = _exported(model_file, card)
        sample = _spread(data.splits["validation"], COMPARED_FACES)
        difference = _difference(sample, preprocessing, network.predict_on_batch, classify)
        release = Release(
            card=card,
            record=record,
            trained_on=_date_of(run / BEST_FILE),
            epochs_completed=len(log),
            best_epoch=best_epoch(log),
            metrics=_measure(data, preprocessing, classify),
            largest_difference=difference,
            compared_faces=len(sample),
        )
        (folder / "card.json").write_text(card_text(card_of(release, data)), encoding="utf-8")
        for document in (CURVES_FILE, LOG_FILE):
            shutil.copyfile(run / document, folder / document)
    return out / name


def _exported(model_file: Path, card: ModelCard) -> Classifier:
    try:
        return EmotionClassifier(model_file, card, threads=os.cpu_count() or 1).classify
    except ModelUnavailable as error:
        raise TrainingError(str(error)) from error


def _difference(faces: GreyFaces, preprocessing: Preprocessing, trained: Classifier, exported: Classifier) -> float:
    """The largest difference of any score. Raises TrainingError if it is above LARGEST_DIFFERENCE."""
    expected = score(faces, preprocessing, trained, "Scoring with Keras")
    difference = float(np.abs(score(faces, preprocessing, exported, "Scoring with ONNX Runtime") - expected).max())
    if not difference <= LARGEST_DIFFERENCE:  # not >, so that NaN fails too
        raise TrainingError(f"ONNX Runtime and Keras differ by {difference:.2g}, more than {LARGEST_DIFFERENCE}.")
    return difference


def _measure(data: Fer2013, preprocessing: Preprocessing, classify: Classifier) -> dict[str, Metrics]:
    validation, test = data.splits["validation"], data.splits["test"]
    in_validation = predict(validation.faces, preprocessing, classify, "Scoring validation")
    in_test = predict(test.faces, preprocessing, classify, "Scoring test")
    new = ~near_duplicates(test.faces, data.splits["train"].faces)
    metrics = {"validation": measure(validation.labels, in_validation), "test": measure(test.labels, in_test)}
    if new.any():
        metrics["test_without_near_duplicates"] = measure(test.labels[new], in_test[new])
    return metrics


def write_onnx(network: keras.Model, file: Path) -> None:
    """Export a float32 network as ONNX: input "face" (batch, 48, 48, 1), output "scores" (batch, classes)."""
    network.predict_on_batch(np.zeros((1, *network.input_shape[1:]), np.float32))  # export wants it called once
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # the converter's own
        network.export(file, format="onnx", verbose=False)
    model = onnx.load(file)
    _name_ends(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, file)


def _name_ends(model: onnx.ModelProto) -> None:
    """Give input, output and batch axis the names that the converter loses."""
    for value, name in ((model.graph.input[0], "face"), (model.graph.output[0], "scores")):
        for node in model.graph.node:
            for names in (node.input, node.output):
                names[:] = [name if each == value.name else each for each in names]
        value.name = name
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    model.graph.name = "emotions"
    model.graph.doc_string = f"Probabilities of {', '.join(EMOTIONS)}"


@contextmanager
def _release_folder(target: Path) -> Iterator[Path]:
    """A folder beside the target that takes its name only when the block ends well."""
    if target.exists():
        raise TrainingError(f"{target} exists already. Name another model with --name, or remove the folder first.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as temporary:
        folder = Path(temporary) / target.name
        folder.mkdir()
        yield folder
        folder.rename(target)


def _spread(split: Split, count: int) -> GreyFaces:
    rows = np.linspace(0, len(split.faces) - 1, min(count, len(split.faces))).astype(int)
    spread: GreyFaces = split.faces[rows]
    return spread


def _date_of(network: Path) -> str:
    """The day a .keras file was saved, which it says itself: a copied file has another date."""
    with zipfile.ZipFile(network) as archive:
        saved = str(json.loads(archive.read("metadata.json"))["date_saved"])
    return saved.partition("@")[0]
