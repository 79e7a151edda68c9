"""Builds the card of a released model: what it is, how good it is, what it is for and what not."""

from dataclasses import asdict, dataclass
from typing import Any

from ml.labels import Emotion
from ml.types import ModelCard
from training.data.dataset import PUBLISHED_IMAGES, Dataset, Labelling
from training.figures.evaluation import Evaluation
from training.figures.numbers import round_for_json
from training.fit.compiling import describe_loss, describe_optimizer
from training.fit.run_folder import RunRecord
from training.release.adjustment import Adjustment

INTENDED_USE = (
    "Showing staff of a CRM what emotion the face of a consenting customer appears to show in a photo taken during "
    "an interaction, as one hint among others that a person reads and doubts."
)
NOT_FOR = [
    "watching employees, pupils or applicants",
    "covert use, or photos of people who did not consent",
    "decisions about people: credit, prices, hiring, access, medical or police matters",
    "claims about what somebody feels: a face that appears angry need not be an angry person's",
]
FER_2013_LIMITATIONS = [
    "FER-2013's labels are noisy: people agree with them on about 65% of its images.",
    "Near-duplicates cross FER-2013's splits, so the test figures are optimistic; those without near-duplicates leave "
    "out each test image that correlates above 0.9 with one of the training split, as it is or mirrored. Other crops "
    "of a photo can correlate less, and stay in.",
    "FER-2013 holds tightly cropped photos from web searches, many of them posed; other cameras, angles, masks and "
    "dim light do worse.",
    "Rare classes do worse, disgust above all; see the figures of each class.",
    "Nothing is known of the age, gender and skin colour of the people in FER-2013, so figures by group are missing. "
    "Expect differences between groups.",
]
OTHER_LIMITATIONS = [
    "How {data} was labelled is not known here. Labels of expressions are noisy.",
    "Other cameras, angles, masks and dim light than those of {data} do worse.",
    "Rare classes do worse; see the figures of each class.",
    "Nothing is known here of the age, gender and skin colour of the people in {data}, so figures by group are "
    "missing. Expect differences between groups.",
]
FERPLUS_LIMITATION = (
    "FER+'s labels are what more than half of ten people saw. Images on which they disagree are left out of its "
    "figures, which are better for it."
)
OTHER_DATA = (
    "Trained on {data} ({images:,} images), which is not part of this release: ask its owners what its use allows."
)
LICENCE_NOTE = (
    "Trained on FER-2013 (Goodfellow et al. 2013, Challenges in Representation Learning, arXiv 1307.0414), which is "
    "for research; ask its owners before commercial use."
)


@dataclass(frozen=True, slots=True)
class OutputFigures:
    """The figures of one output of the network."""

    temperature: float  # by which its logits were divided; the released graph contains it
    metrics: dict[str, Evaluation]  # by what was scored


@dataclass(frozen=True, slots=True)
class Release:
    """Everything that a card is built from."""

    card: ModelCard  # what the pipeline needs
    record: RunRecord
    trained_on: str  # ISO date of the best epoch
    epochs_completed: int
    best_epoch: int  # counted from 1
    outputs: dict[Labelling, OutputFigures]
    largest_difference: float  # between ONNX Runtime and Keras, before any INT8
    compared_faces: int
    milliseconds_a_face: float
    flip: bool = False  # whether the answer is the mean over the face and its mirror image
    int8_cost: float | None = None  # in validation accuracy; None if the release is not INT8
    adjustment: Adjustment | None = None  # for the shares of the classes, if labelled photos were given
    left_out: tuple[Emotion, ...] = ()  # classes whose photos had no part in the adjustment


def build_card(release: Release, data: Dataset) -> dict[str, Any]:
    """Return the content of card.json; the part that ml reads comes first."""
    return _describe_for_pipeline(release.card) | _describe_for_people(release, data) | _list_figures(release)


def _describe_for_pipeline(card: ModelCard) -> dict[str, Any]:
    return {
        "name": card.name,
        "version": card.version,
        "classes": list(card.classes),
        "input": {"size": card.preprocessing.size, "channels": 1, "colour": "grey"},
        "preprocessing": {
            "margin": card.preprocessing.margin,
            "aligned": card.preprocessing.aligned,
            "normalisation": card.preprocessing.normalisation,
        },
        "output": card.output,
        "uncertain_below": card.uncertain_below,
        "sha256": card.sha256,
    }


def _describe_for_people(release: Release, data: Dataset) -> dict[str, Any]:
    images = {name: len(split.labels) for name, split in data.splits.items()}
    about_data = {"name": data.name, "sha256": data.sha256, "images": images}
    total = sum(images.values())
    limitations = [each.format(data=data.name) for each in OTHER_LIMITATIONS]
    licence = OTHER_DATA.format(data=data.name, images=total)
    if data.is_fer2013:
        limitations = [*FER_2013_LIMITATIONS]
        licence = f"{LICENCE_NOTE} {total:,} of its {PUBLISHED_IMAGES:,} images were used."
    if "ferplus" in release.outputs:
        limitations.append(FERPLUS_LIMITATION)
        about_data["votes_sha256"] = data.votes_sha256
    return {
        "intended_use": INTENDED_USE,
        "not_for": NOT_FOR,
        "limitations": limitations,
        "licence_note": licence,
        "data": about_data,
        "training": _describe_training(release),
        "export": _describe_export(release),
    }


def _describe_training(release: Release) -> dict[str, Any]:
    record = release.record
    config = asdict(record.config)
    for listed_already in ("preprocessing", "classes"):
        config.pop(listed_already)
    config["epochs"] = {
        "configured": record.config.epochs,
        "completed": release.epochs_completed,
        "best": release.best_epoch,
    }
    return {
        "date": release.trained_on,
        "commit": record.commit,
        "started_from": record.started_from or "random weights",
        "teacher": record.teacher or "none",
        "framework": f"Keras {record.keras} on {record.backend}",
        "loss": describe_loss(record.config),
        **config,
        "optimizer": describe_optimizer(record.config),
    }


def _describe_export(release: Release) -> dict[str, Any]:
    exported: dict[str, Any] = {
        "largest_difference_from_keras": float(f"{release.largest_difference:.2g}"),
        "faces_compared": release.compared_faces,
        "weights": "float32" if release.int8_cost is None else "int8",
        "averaged_with_mirror_image": release.flip,
    }
    if release.adjustment:
        exported["adjustment"] = _describe_adjustment(release.adjustment, release)
    if release.int8_cost is not None:
        exported["int8_costs_of_validation_accuracy"] = round(release.int8_cost, 4)
    return exported


def _describe_adjustment(adjustment: Adjustment, release: Release) -> dict[str, Any]:
    """Describe what was subtracted from the logits, and what each choice would have given before INT8."""
    classes = release.card.classes
    adjusted: dict[str, Any] = round_for_json(
        {
            "tau": adjustment.chosen.tau,
            "photos": adjustment.photos,
            "left_out": list(release.left_out),
            "shares": dict(zip(classes, adjustment.shares.tolist(), strict=True)),
            "tried": [asdict(trial) for trial in adjustment.trials],
        }
    )
    return adjusted


def _list_figures(release: Release) -> dict[str, Any]:
    return {
        "milliseconds_a_face": round(release.milliseconds_a_face, 2),
        "outputs": {
            labelling: {
                "temperature": round(figures.temperature, 4),
                "metrics": {scored: evaluation.as_dict() for scored, evaluation in figures.metrics.items()},
            }
            for labelling, figures in release.outputs.items()
        },
    }
