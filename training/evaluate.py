"""The figures of a run or of a released model on one split, or of a released model on whole photos."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ml.classifier import EmotionClassifier
from ml.detection import MtcnnDetector
from ml.errors import ModelUnavailable
from ml.labels import Emotion
from ml.pipeline import EmotionPipeline
from ml.registry import MODELS_DIR, read_model
from ml.types import ModelCard, Preprocessing
from training.confidence import measure_confidence, risk_coverage
from training.crops import answers, find_photos, score_photos
from training.data import Fer2013, Labelling, SplitName
from training.errors import TrainingError
from training.evaluation import Evaluation, evaluate_new, evaluate_scores, new_images
from training.metrics import as_table, measure
from training.quantisation import output_names
from training.run_folder import read_record
from training.scoring import Classifier, exported, score
from training.speed import milliseconds_a_face


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A model's figures on one split of some data."""

    model: str
    data: str
    split: SplitName
    labels: Labelling
    output: str  # which of the model's outputs answered
    uncertain_below: float  # the model's own threshold
    all_images: Evaluation
    without_near_duplicates: Evaluation | None  # of the test split, where there are training images to compare with
    milliseconds_a_face: float | None  # one thread, one face at a time; of released models only
    without_face: int | None = None  # whole photos without a found face, counted as wrong; nothing for cropped faces

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the figures of all images on the first level."""
        new = self.without_near_duplicates
        return {
            "model": self.model,
            "data": self.data,
            "split": self.split,
            "labels": self.labels,
            "output": self.output,
            "uncertain_below": self.uncertain_below,
            **self.all_images.as_dict(),
            "without_near_duplicates": new and new.as_dict(),
            "milliseconds_a_face": self.milliseconds_a_face and round(self.milliseconds_a_face, 2),
            "without_face": self.without_face,
        }


def evaluate_run(
    run: Path, data: Fer2013, split: SplitName, labels: Labelling | None = None, *, flip: bool = False
) -> Evaluated:
    """Score the best epoch of a run through Keras, before any calibration, on the labels that it learnt.

    With `flip` it answers with the mean over the face and its mirror image. Raises TrainingError if the run has no
    finished epoch, or was trained on other data: then its training images could be among those of this split.
    """
    from training.mirroring import with_mirror_image  # here, because a released model does without TensorFlow
    from training.trained import best_network

    record = read_record(run)
    record.check_data(data)
    learnt = record.config.labellings
    labels = labels or _labels(learnt[-1], data, split)
    output = labels if labels in learnt else "fer"
    network = with_mirror_image(best_network(run)) if flip else best_network(run)
    answers = Answers(
        f"{run}, averaged with the mirror image" if flip else str(run),
        record.config.classes,
        record.config.preprocessing,
        lambda faces: network.predict_on_batch(faces)[output],
    )
    return _evaluate(data, split, labels, output, answers)


def evaluate_release(model: str, data: Fer2013, split: SplitName, labels: Labelling | None = None) -> Evaluated:
    """Score a released model, named or by its folder, through ONNX Runtime.

    It answers with the output for these labels, if it has one; without `labels`, with the one that it is served
    with, on its own labels if the data has them. Raises TrainingError if there is no such model, or its
    weights are not those that its card describes.
    """
    card, weights = read_release(model, every_class=False)
    labels = labels or _labels(card.output, data, split)
    output = labels if labels in output_names(weights) else card.output
    classify = exported(weights, card, output)
    speed = milliseconds_a_face(weights, card)
    answers = Answers(card.model_version, card.classes, card.preprocessing, classify, card.uncertain_below, speed)
    return _evaluate(data, split, labels, output, answers)


def evaluate_photos(model: str, photos: Path, labels: Labelling | None = None) -> Evaluated:
    """Score a released model on a folder of whole photos: the pipeline finds the faces and cuts them as the card says.

    The largest face of each counts; a photo without a found face counts as wrong, and the figures of the confidence
    are of the others. The photos' labels, see crops.find_photos, stand for either labelling; `labels` chooses which
    output answers, by default the one that the model is served with. Raises TrainingError if there is no such
    model, no photo, one that cannot be read, or no face in any.
    """
    card, weights = read_release(model)
    labels = labels or ("ferplus" if card.output == "ferplus" else "fer")
    output = labels if labels in output_names(weights) else card.output
    labelled = find_photos(photos)
    truth = np.array([label for _, label in labelled], np.int64)
    pipeline = EmotionPipeline(MtcnnDetector(), EmotionClassifier(weights, card, output=output))
    (scores,) = score_photos([pipeline], labelled, photos)
    found = ~np.isnan(scores[:, 0])
    if not found.any():
        raise TrainingError(f"No face was found in any of the {len(labelled)} photos of {photos}.")
    seen = truth[found], scores[found].astype(np.float32)
    return Evaluated(
        model=card.model_version,
        data=photos.resolve().name,
        split="test",
        labels=labels,
        output=output,
        uncertain_below=card.uncertain_below,
        all_images=Evaluation(
            measure(truth, answers(scores)),
            measure_confidence(*seen),
            risk_coverage(*seen, np.array([card.uncertain_below]))[0],
            without_majority=0,
        ),
        without_near_duplicates=None,
        milliseconds_a_face=milliseconds_a_face(weights, card),
        without_face=int((~found).sum()),
    )


def release_folder(model: str) -> Path:
    """Of a released model, by its name or its folder."""
    return Path(model).resolve() if Path(model).is_dir() else MODELS_DIR / model


def read_release(model: str, *, every_class: bool = True) -> tuple[ModelCard, bytes]:
    """The card and weights of a released model, by its name or its folder.

    Raises TrainingError; also if it knows some of the classes only, unless it need not know `every_class`.
    """
    folder = release_folder(model)
    try:
        return read_model(folder.name, folder.parent, every_class=every_class)
    except ModelUnavailable as error:
        raise TrainingError(str(error)) from error


def as_text(evaluated: Evaluated) -> str:
    """The figures for people."""
    figures = evaluated.all_images
    scored = f"the {evaluated.split} split of {evaluated.data}, labels {evaluated.labels}"
    if evaluated.without_face is not None:
        scored = f"the whole photos of {evaluated.data}, the largest face of each"
    lines = [
        f"{evaluated.model} on {scored}",
        as_table(figures.metrics),
        "",
        f"Calibration error {figures.confidence.calibration_error:.3f}",
        f"Answering from a confidence of {evaluated.uncertain_below:.2f} on, it answers"
        f" {figures.at_threshold.answered:.1%} of the faces, {figures.at_threshold.right or 0:.1%} of these rightly",
    ]
    if figures.without_majority:
        lines.append(f"{figures.without_majority} images without a FER+ majority are left out")
    if figures.of_other_classes:
        lines.append(f"{figures.of_other_classes} images of classes that the model does not know are left out")
    if evaluated.without_face:
        lines.append(
            f"{evaluated.without_face} photos without a found face count as wrong, the confidence is of the others"
        )
    if new := evaluated.without_near_duplicates:
        lines.append(f"Without near-duplicates of training images: {as_table(new.metrics).splitlines()[0]}")
    if evaluated.milliseconds_a_face:
        lines.append(f"{evaluated.milliseconds_a_face:.1f} ms a face on one thread")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Answers:
    """What gives a model's answers, and what is known of it."""

    model: str
    classes: tuple[Emotion, ...]
    preprocessing: Preprocessing
    classify: Classifier
    uncertain_below: float = 0.0
    milliseconds_a_face: float | None = None


def _labels(output: str, data: Fer2013, split: SplitName) -> Labelling:
    """The labels that an output is compared with unless others are asked for."""
    return "ferplus" if output == "ferplus" and data.split(split).votes else "fer"


def _evaluate(data: Fer2013, split: SplitName, labels: Labelling, output: str, answers: Answers) -> Evaluated:
    images = data.split(split)
    images.labels_by(labels)  # refuses missing votes before the long work
    scores = score(images.faces, answers.preprocessing, answers.classify, "Scoring")
    judged_by, new = (answers.uncertain_below, answers.classes), None
    if split == "test":
        new = evaluate_new(images, scores, labels, *judged_by, new_images(data, split))
    return Evaluated(
        model=answers.model,
        data=data.name,
        split=split,
        labels=labels,
        output=output,
        uncertain_below=answers.uncertain_below,
        all_images=evaluate_scores(images, scores, labels, *judged_by),
        without_near_duplicates=new,
        milliseconds_a_face=answers.milliseconds_a_face,
    )
