"""Scores a run or a released model on one split, or a released model on whole photos."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ml.classifier import EmotionClassifier
from ml.detection.mtcnn import MtcnnDetector
from ml.labels import Emotion
from ml.pipeline import EmotionPipeline
from ml.types import Preprocessing
from training.data.dataset import Dataset, Labelling, SplitName
from training.data.duplicates import find_new_images
from training.data.photos import find_photos
from training.errors import TrainingError
from training.figures.confidence import measure_confidence, risk_coverage
from training.figures.evaluated import Evaluated
from training.figures.evaluation import Evaluation, evaluate_new, evaluate_scores
from training.figures.metrics import measure
from training.figures.photos import predicted_classes, score_photos
from training.figures.released import list_outputs, open_output, read_release
from training.figures.speed import measure_milliseconds_a_face
from training.fit.prediction import Classifier, predict
from training.fit.run_folder import read_record


def evaluate_run(
    run: Path, data: Dataset, split: SplitName, labels: Labelling | None = None, *, flip: bool = False
) -> Evaluated:
    """Score the best epoch of a run through Keras, before any calibration, on the labels that it learnt.

    With `flip` the answer is the mean over the face and its mirror image. Raises TrainingError if the run has no
    finished epoch, or was trained on other data, whose training images could be among those of this split.
    """
    # Imported here, because a released model is evaluated without TensorFlow.
    from training.fit.mirroring import average_with_mirror_image
    from training.fit.trained import load_best_network

    record = read_record(run)
    record.check_data(data)
    learnt = record.config.labellings
    labels = labels or _default_labels(learnt[-1], data, split)
    output = labels if labels in learnt else "fer"
    network = average_with_mirror_image(load_best_network(run)) if flip else load_best_network(run)
    model = _Model(
        f"{run}, averaged with the mirror image" if flip else str(run),
        record.config.classes,
        record.config.preprocessing,
        lambda faces: network.predict_on_batch(faces)[output],
    )
    return _evaluate(data, split, labels, output, model)


def evaluate_release(model: str, data: Dataset, split: SplitName, labels: Labelling | None = None) -> Evaluated:
    """Score a released model, given by its name or its folder, through ONNX Runtime.

    It answers with the output for these labels, if it has one. Without `labels` it answers with the output that it
    is served with, and is compared with that output's labels if the data has them. Raises TrainingError if there is
    no such model, or its weights are not those that its card describes.
    """
    card, weights = read_release(model, every_class=False)
    labels = labels or _default_labels(card.output, data, split)
    output = labels if labels in list_outputs(weights) else card.output
    classify = open_output(weights, card, output)
    milliseconds = measure_milliseconds_a_face(weights, card)
    released = _Model(
        card.model_version, card.classes, card.preprocessing, classify, card.uncertain_below, milliseconds
    )
    return _evaluate(data, split, labels, output, released)


def evaluate_photos(model: str, photos: Path, labels: Labelling | None = None) -> Evaluated:
    """Score a released model on a folder of whole photos: the pipeline finds the faces and cuts them as the card says.

    The largest face of each photo counts. A photo in which no face was found counts as wrong; the figures of the
    confidence are of the other photos. The labels of the photos, see data.photos.find_photos, serve for both
    labellings; `labels` chooses which output answers, by default the one that the model is served with.
    Raises TrainingError if there is no such model, no photo, one that cannot be read, or no face in any.
    """
    card, weights = read_release(model)
    labels = labels or ("ferplus" if card.output == "ferplus" else "fer")
    output = labels if labels in list_outputs(weights) else card.output
    labelled = find_photos(photos)
    truth = np.array([label for _, label in labelled], np.int64)
    pipeline = EmotionPipeline(MtcnnDetector(), EmotionClassifier(weights, card, output=output))
    (scores,) = score_photos([pipeline], labelled, photos)
    found = ~np.isnan(scores[:, 0])
    if not found.any():
        raise TrainingError(f"No face was found in any of the {len(labelled)} photos of {photos}.")
    of_faces = truth[found], scores[found].astype(np.float32)
    return Evaluated(
        model=card.model_version,
        data=photos.resolve().name,
        split="test",
        labels=labels,
        output=output,
        uncertain_below=card.uncertain_below,
        all_images=Evaluation(
            measure(truth, predicted_classes(scores)),
            measure_confidence(*of_faces),
            risk_coverage(*of_faces, np.array([card.uncertain_below]))[0],
            without_majority=0,
        ),
        without_near_duplicates=None,
        milliseconds_a_face=measure_milliseconds_a_face(weights, card),
        without_face=int((~found).sum()),
    )


@dataclass(frozen=True, slots=True)
class _Model:
    """A classifier and what is known of it."""

    name: str
    classes: tuple[Emotion, ...]
    preprocessing: Preprocessing
    classify: Classifier
    uncertain_below: float = 0.0
    milliseconds_a_face: float | None = None


def _default_labels(output: str, data: Dataset, split: SplitName) -> Labelling:
    """Return the labels that an output is compared with unless others are asked for."""
    return "ferplus" if output == "ferplus" and data.split(split).votes else "fer"


def _evaluate(data: Dataset, split: SplitName, labels: Labelling, output: str, model: _Model) -> Evaluated:
    images = data.split(split)
    images.labels_by(labels)  # raises before the long work if the votes are missing
    scores = predict(images.faces, model.preprocessing, model.classify, "Scoring")
    judged_by, new = (model.uncertain_below, model.classes), None
    if split == "test":
        new = evaluate_new(images, scores, labels, *judged_by, find_new_images(data, split))
    return Evaluated(
        model=model.name,
        data=data.name,
        split=split,
        labels=labels,
        output=output,
        uncertain_below=model.uncertain_below,
        all_images=evaluate_scores(images, scores, labels, *judged_by),
        without_near_duplicates=new,
        milliseconds_a_face=model.milliseconds_a_face,
    )
