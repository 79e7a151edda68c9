"""Releases the best epoch of a run: model.onnx, its card, and the documents of its training.

The Keras network is included for further training, unless the weights are INT8.
"""

import hashlib
import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from ml.errors import ModelUnavailable
from ml.labels import Emotion
from ml.registry import CARD_FILE, RESTORE, read_model
from ml.types import GreyFaces, ModelCard
from training.data.dataset import Dataset, Labelling, SplitName
from training.data.duplicates import find_new_images
from training.errors import TrainingError
from training.figures.evaluation import Evaluation, evaluate_new, evaluate_scores
from training.figures.released import open_output
from training.figures.speed import measure_milliseconds_a_face
from training.fit.mirroring import average_with_mirror_image
from training.fit.prediction import predict, predict_outputs
from training.fit.run_folder import (
    CONFIG_FILE,
    CURVES_FILE,
    LOG_FILE,
    NETWORK_FILE,
    RunRecord,
    find_best_epoch,
    read_log,
    read_record,
)
from training.fit.trained import find_best_file, load_best_network
from training.release.calibration import calibrate, score_labelled_photos
from training.release.card import OutputFigures, Release, build_card
from training.release.card_text import format_card
from training.release.graph import write_onnx
from training.release.quantisation import quantise
from training.release.temperature import LabelledScores

COMPARED_FACES = 500
LARGEST_DIFFERENCE = 1e-4
MODEL_FILE = "model.onnx"
INT8 = "-int8"  # the ending of the variant's name
SCORED: tuple[SplitName, ...] = ("validation", "test")


@dataclass(frozen=True, slots=True)
class ReleaseOptions:
    """How a run is to be released."""

    name: str | None  # by default that of the architecture
    version: str
    margin: float  # see ml.types.Preprocessing
    aligned: bool = False
    serve: Labelling | None = None  # the output that answers; by default FER+'s if it was learnt
    flip: bool = False  # whether the answer is the mean over the face and its mirror image
    int8: bool = False  # release the INT8 variant instead, under the name that ends in INT8
    photos: Path | None = None  # labelled photos, with which the answers are adjusted, see release.adjustment
    left_out: tuple[Emotion, ...] = ()  # classes whose photos do not count


def export(run: Path, data: Dataset, out: Path, wanted: ReleaseOptions) -> Path:
    """Write the release folder of the best epoch of `run` below `out`, and return it.

    1. The confidence is calibrated on the validation split, or on that and the photos together.
    2. ONNX Runtime must give what Keras gives, within LARGEST_DIFFERENCE, on real faces of that split.
    3. Validation and test are scored through the exported file.

    Raises TrainingError, and leaves nothing behind, if ONNX Runtime differs, the run was trained on other data or lacks
    a file, the data lacks a split or the votes, the INT8 variant costs too much, the pipeline would not load the
    release, or the folder exists already: a release does not change.
    """
    record = read_record(run)
    record.check_data(data)
    _check_splits(data, record)
    served, documents = _choose_output(record, wanted), _read_documents(run)
    name = wanted.name or record.config.architecture
    with _new_release(out / (name + INT8 * wanted.int8)) as folder:
        network, model_file = load_best_network(run), folder / MODEL_FILE
        if not wanted.int8:
            network.save(folder / NETWORK_FILE)
        answering = average_with_mirror_image(network) if wanted.flip else network
        preprocessing = replace(record.config.preprocessing, margin=wanted.margin, aligned=wanted.aligned)
        classes = record.config.classes
        card = ModelCard(folder.name, wanted.version, classes, preprocessing, "", served, 0.0)
        calibration = calibrate(answering, data, record, served, _score_photos(network, card, model_file, wanted))
        calibration.apply(network, served)
        card = replace(card, uncertain_below=calibration.threshold)
        write_onnx(network, preprocessing.size, model_file, classes, flip=wanted.flip)
        difference = _compare_runtimes(data, answering, model_file, card)
        cost = quantise(model_file, card, data, list(calibration.temperatures)) if wanted.int8 else None
        weights = model_file.read_bytes()
        card = replace(card, sha256=hashlib.sha256(weights).hexdigest())
        log = read_log(run)
        release = Release(
            card=card,
            record=record,
            trained_on=_read_date(find_best_file(run)),
            epochs_completed=len(log),
            best_epoch=find_best_epoch(log),
            outputs=_measure_outputs(data, model_file, card, calibration.temperatures),
            largest_difference=difference,
            compared_faces=len(_sample_faces(data)),
            milliseconds_a_face=measure_milliseconds_a_face(weights, card),
            flip=wanted.flip,
            int8_cost=cost,
            adjustment=calibration.adjustment,
            left_out=wanted.left_out,
        )
        (folder / CARD_FILE).write_text(format_card(build_card(release, data)), encoding="utf-8")
        for document, content in documents.items():
            (folder / document).write_bytes(content)
    return out / folder.name


def _check_splits(data: Dataset, record: RunRecord) -> None:
    """Raise TrainingError if the data lacks a split that is to be scored, or the labels of one."""
    for name in SCORED:
        for labelling in record.config.labellings:
            data.split(name).labels_by(labelling)


def _read_documents(run: Path) -> dict[str, bytes]:
    """Read the documents of a run, by name. Raises TrainingError if one cannot be read."""
    try:
        return {name: (run / name).read_bytes() for name in (CONFIG_FILE, CURVES_FILE, LOG_FILE)}
    except OSError as error:
        raise TrainingError(
            f"{error.filename} of the run cannot be read ({error.strerror}). Nothing was released."
        ) from error


def _choose_output(record: RunRecord, wanted: ReleaseOptions) -> Labelling:
    """Return the output that is to answer. Raises TrainingError if the run has not learnt it."""
    learnt = record.config.labellings
    served = wanted.serve or ("ferplus" if "ferplus" in learnt else "fer")
    if served not in learnt:
        raise TrainingError(f"The run has not learnt {served}, only {', '.join(learnt)}. Choose another with --serve.")
    return served


def _score_photos(network: keras.Model, card: ModelCard, file: Path, wanted: ReleaseOptions) -> LabelledScores | None:
    """Score the photos before the calibration, through a graph that is written to `file` for the moment."""
    if wanted.photos is None:
        return None
    write_onnx(network, card.preprocessing.size, file, card.classes, flip=wanted.flip)
    return score_labelled_photos(file.read_bytes(), card, wanted.photos, wanted.left_out)


def _compare_runtimes(data: Dataset, network: keras.Model, model_file: Path, card: ModelCard) -> float:
    """Return the largest difference of any score. Raises TrainingError if it is above LARGEST_DIFFERENCE."""
    faces, preprocessing = _sample_faces(data), card.preprocessing
    expected = predict_outputs(faces, preprocessing, network.predict_on_batch, "Scoring with Keras")
    differences = [
        np.abs(
            predict(faces, preprocessing, open_output(model_file, card, output), "Scoring with ONNX Runtime") - scores
        )
        for output, scores in expected.items()
    ]
    difference = float(np.max(differences))
    if not difference <= LARGEST_DIFFERENCE:  # not >, so that NaN fails too
        raise TrainingError(f"ONNX Runtime and Keras differ by {difference:.2g}, more than {LARGEST_DIFFERENCE}.")
    return difference


def _measure_outputs(
    data: Dataset, model_file: Path, card: ModelCard, temperatures: dict[Labelling, float]
) -> dict[Labelling, OutputFigures]:
    """Score the validation split and, only here, the test split."""
    new, judged_by = find_new_images(data, "test"), (card.uncertain_below, card.classes)
    figures = {}
    for labelling, temperature in temperatures.items():
        classify = open_output(model_file, card, labelling)
        evaluations: dict[str, Evaluation] = {}
        for name in SCORED:
            split = data.split(name)
            scores = predict(split.faces, card.preprocessing, classify, f"Scoring {name}")
            evaluations[name] = evaluate_scores(split, scores, labelling, *judged_by)
            if name == "test" and (found := evaluate_new(split, scores, labelling, *judged_by, new)):
                evaluations["test_without_near_duplicates"] = found
        figures[labelling] = OutputFigures(temperature, evaluations)
    return figures


@contextmanager
def _new_release(target: Path) -> Iterator[Path]:
    """Yield a folder that gets the target's name only if the block ends well and the pipeline accepts the release."""
    if target.exists():
        raise TrainingError(f"{target} exists already. Name another model with --name, or remove the folder first.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as temporary:
            folder = Path(temporary) / target.name
            folder.mkdir()
            yield folder
            _check_release(folder)
            folder.rename(target)
    except OSError as error:
        raise TrainingError(f"{target} cannot be written ({error.strerror or error}). Nothing was released.") from error


def _check_release(folder: Path) -> None:
    """Raise TrainingError unless the registry would load the release."""
    try:
        read_model(folder.name, folder.parent, every_class=False)
    except ModelUnavailable as error:
        reason = str(error).removesuffix(RESTORE).strip()
        raise TrainingError(f"The pipeline would not load this release: {reason} Nothing was released.") from error


def _sample_faces(data: Dataset) -> GreyFaces:
    """Return COMPARED_FACES faces from all over the validation split."""
    faces = data.split("validation").faces
    sample: GreyFaces = faces[np.linspace(0, len(faces) - 1, min(COMPARED_FACES, len(faces))).astype(int)]
    return sample


def _read_date(network: Path) -> str:
    """Return the day a .keras file was saved, from its content, because a copy of the file has another date."""
    with zipfile.ZipFile(network) as archive:
        saved = str(json.loads(archive.read("metadata.json"))["date_saved"])
    return saved.partition("@")[0]
