"""A run -> a released model: model.onnx, its card and the documents of its training.

Its network for fine-tuning comes along, unless the weights are INT8.
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
from training.calibration import Judged
from training.card import OutputFigures, Release, card_of
from training.card_text import card_text
from training.data import Fer2013, Labelling, SplitName
from training.errors import TrainingError
from training.evaluation import Evaluation, evaluate_new, evaluate_scores, new_images
from training.graph import write_onnx
from training.mirroring import with_mirror_image
from training.quantisation import quantise
from training.release_calibration import calibrate, score_labelled_photos
from training.run_folder import (
    CONFIG_FILE,
    CURVES_FILE,
    LOG_FILE,
    NETWORK_FILE,
    RunRecord,
    best_epoch,
    read_log,
    read_record,
)
from training.scoring import exported, score, score_outputs
from training.speed import milliseconds_a_face
from training.trained import best_file, best_network

COMPARED_FACES = 500
LARGEST_DIFFERENCE = 1e-4
MODEL_FILE = "model.onnx"
INT8 = "-int8"  # ends the name of the variant
SCORED: tuple[SplitName, ...] = ("validation", "test")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a release is to be."""

    name: str | None  # by default the architecture's
    version: str
    margin: float  # see ml.types.Preprocessing
    aligned: bool = False
    serve: Labelling | None = None  # the output that answers; by default FER+'s, if it was learnt
    flip: bool = False  # whether it answers with the mean over the face and its mirror image
    int8: bool = False  # release the INT8 variant instead, under the name with INT8
    photos: Path | None = None  # labelled photos; the answers are then adjusted, see training.adjustment
    left_out: tuple[Emotion, ...] = ()  # classes of photos that do not count


def export(run: Path, data: Fer2013, out: Path, wanted: Wanted) -> Path:
    """Write the release folder of the best epoch of `run` below `out` and return it.

    The confidence is calibrated on the validation split first, or on that and the photos together. ONNX Runtime must
    give what Keras gives, within LARGEST_DIFFERENCE, on real faces of that split. Validation and test are then scored
    through the exported file.
    Raises TrainingError if it does not, if the run was trained on other data than `data` or lacks a file, if the
    data lacks a split or the votes, if the INT8 variant costs too much, if the pipeline would not load the release, or
    if the folder exists already: a release does not change. Nothing is left behind in any of these cases.
    """
    record = read_record(run)
    record.check_data(data)
    _check_splits(data, record)
    served, documents = _served(record, wanted), _documents(run)
    name = wanted.name or record.config.architecture
    with _release_folder(out / (name + INT8 * wanted.int8)) as folder:
        network, model_file = best_network(run), folder / MODEL_FILE
        if not wanted.int8:
            network.save(folder / NETWORK_FILE)
        answering = with_mirror_image(network) if wanted.flip else network
        preprocessing = replace(record.config.preprocessing, margin=wanted.margin, aligned=wanted.aligned)
        classes = record.config.classes
        card = ModelCard(folder.name, wanted.version, classes, preprocessing, "", served, 0.0)
        calibration = calibrate(answering, data, record, served, _photos(network, card, model_file, wanted))
        calibration.apply(network, served)
        card = replace(card, uncertain_below=calibration.threshold)
        write_onnx(network, preprocessing.size, model_file, classes, flip=wanted.flip)
        difference = _difference(data, answering, model_file, card)
        cost = quantise(model_file, card, data, list(calibration.temperatures)) if wanted.int8 else None
        weights = model_file.read_bytes()
        card = replace(card, sha256=hashlib.sha256(weights).hexdigest())
        log = read_log(run)
        release = Release(
            card=card,
            record=record,
            trained_on=_date_of(best_file(run)),
            epochs_completed=len(log),
            best_epoch=best_epoch(log),
            outputs=_figures(data, model_file, card, calibration.temperatures),
            largest_difference=difference,
            compared_faces=len(_sample(data)),
            milliseconds_a_face=milliseconds_a_face(weights, card),
            flip=wanted.flip,
            int8_cost=cost,
            adjustment=calibration.adjustment,
            left_out=wanted.left_out,
        )
        (folder / CARD_FILE).write_text(card_text(card_of(release, data)), encoding="utf-8")
        for document, content in documents.items():
            (folder / document).write_bytes(content)
    return out / folder.name


def _check_splits(data: Fer2013, record: RunRecord) -> None:
    """Raise TrainingError if the data lacks a split that is to be scored, or its labels."""
    for name in SCORED:
        for labelling in record.config.labellings:
            data.split(name).labels_by(labelling)


def _documents(run: Path) -> dict[str, bytes]:
    """The files that come along, by name. Raises TrainingError if one cannot be read."""
    try:
        return {name: (run / name).read_bytes() for name in (CONFIG_FILE, CURVES_FILE, LOG_FILE)}
    except OSError as error:
        raise TrainingError(
            f"{error.filename} of the run cannot be read ({error.strerror}). Nothing was released."
        ) from error


def _served(record: RunRecord, wanted: Wanted) -> Labelling:
    """The output that is to answer. Raises TrainingError if the run has not learnt it."""
    learnt = record.config.labellings
    served = wanted.serve or ("ferplus" if "ferplus" in learnt else "fer")
    if served not in learnt:
        raise TrainingError(f"The run has not learnt {served}, only {', '.join(learnt)}. Choose another with --serve.")
    return served


def _photos(network: keras.Model, card: ModelCard, file: Path, wanted: Wanted) -> Judged | None:
    """What the network says of the photos before it is calibrated, through a graph that `file` holds for so long."""
    if wanted.photos is None:
        return None
    write_onnx(network, card.preprocessing.size, file, card.classes, flip=wanted.flip)
    return score_labelled_photos(file.read_bytes(), card, wanted.photos, wanted.left_out)


def _difference(data: Fer2013, network: keras.Model, model_file: Path, card: ModelCard) -> float:
    """The largest difference of any score of any output. Raises TrainingError if it is above LARGEST_DIFFERENCE."""
    faces, preprocessing = _sample(data), card.preprocessing
    expected = score_outputs(faces, preprocessing, network.predict_on_batch, "Scoring with Keras")
    differences = [
        np.abs(score(faces, preprocessing, exported(model_file, card, output), "Scoring with ONNX Runtime") - scores)
        for output, scores in expected.items()
    ]
    difference = float(np.max(differences))
    if not difference <= LARGEST_DIFFERENCE:  # not >, so that NaN fails too
        raise TrainingError(f"ONNX Runtime and Keras differ by {difference:.2g}, more than {LARGEST_DIFFERENCE}.")
    return difference


def _figures(
    data: Fer2013, model_file: Path, card: ModelCard, temperatures: dict[Labelling, float]
) -> dict[Labelling, OutputFigures]:
    """Score validation and, this once, test."""
    new, judged_by = new_images(data, "test"), (card.uncertain_below, card.classes)
    figures = {}
    for labelling, temperature in temperatures.items():
        classify = exported(model_file, card, labelling)
        evaluations: dict[str, Evaluation] = {}
        for name in SCORED:
            split = data.split(name)
            scores = score(split.faces, card.preprocessing, classify, f"Scoring {name}")
            evaluations[name] = evaluate_scores(split, scores, labelling, *judged_by)
            if name == "test" and (found := evaluate_new(split, scores, labelling, *judged_by, new)):
                evaluations["test_without_near_duplicates"] = found
        figures[labelling] = OutputFigures(temperature, evaluations)
    return figures


@contextmanager
def _release_folder(target: Path) -> Iterator[Path]:
    """A folder beside the target that takes its name only when the block ends well, and the pipeline accepts it."""
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
    """Raise TrainingError unless the registry would load it."""
    try:
        read_model(folder.name, folder.parent, every_class=False)
    except ModelUnavailable as error:
        reason = str(error).removesuffix(RESTORE).strip()
        raise TrainingError(f"The pipeline would not load this release: {reason} Nothing was released.") from error


def _sample(data: Fer2013) -> GreyFaces:
    """COMPARED_FACES faces from all over the validation split."""
    faces = data.split("validation").faces
    sample: GreyFaces = faces[np.linspace(0, len(faces) - 1, min(COMPARED_FACES, len(faces))).astype(int)]
    return sample


def _date_of(network: Path) -> str:
    """The day a .keras file was saved, which it says itself: a copied file has another date."""
    with zipfile.ZipFile(network) as archive:
        saved = str(json.loads(archive.read("metadata.json"))["date_saved"])
    return saved.partition("@")[0]
