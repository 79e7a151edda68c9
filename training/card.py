"""The card that goes with a released model: what it is, how good, for what, and for what not."""

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from ml.types import ModelCard
from training.data import Fer2013
from training.metrics import Metrics
from training.run_folder import RunRecord

DIGITS = 4
PUBLISHED_IMAGES = 35_887

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
LIMITATIONS = [
    "FER-2013's labels are noisy: people agree with them on about 65% of its images.",
    "Near-duplicates cross FER-2013's splits, so the test figures are optimistic; those without near-duplicates leave "
    "out every test image that is also, in another crop or mirrored, in the training split.",
    "FER-2013 holds tightly cropped photos from web searches, many of them posed; other cameras, angles, masks and "
    "dim light do worse.",
    "Rare classes do worse, disgust above all; see the figures of each class.",
    "Nothing is known of the age, gender and skin colour of the people in FER-2013, so figures by group are missing. "
    "Expect differences between groups.",
]
LICENCE_NOTE = (
    "Trained on FER-2013 (Goodfellow et al. 2013, Challenges in Representation Learning, arXiv 1307.0414), which is "
    "for research; ask its owners before commercial use."
)


@dataclass(frozen=True, slots=True)
class Release:
    """What a card is written from."""

    card: ModelCard  # what the pipeline needs
    record: RunRecord
    trained_on: str  # ISO date of the best epoch
    epochs_completed: int
    best_epoch: int  # counting from 1
    metrics: dict[str, Metrics]  # by what was scored
    largest_difference: float  # between ONNX Runtime and Keras
    compared_faces: int


def card_of(release: Release, data: Fer2013) -> dict[str, Any]:
    """The content of card.json; the part that ml reads comes first."""
    card = release.card
    images = {name: len(split.labels) for name, split in data.splits.items()}
    config = asdict(release.record.config)
    seed, epochs = config.pop("seed"), config.pop("epochs")
    config.pop("preprocessing")
    return {
        "name": card.name,
        "version": card.version,
        "classes": list(card.classes),
        "input": {"size": card.preprocessing.size, "channels": 1, "colour": "grey"},
        "preprocessing": {"margin": card.preprocessing.margin, "normalisation": card.preprocessing.normalisation},
        "sha256": card.sha256,
        "intended_use": INTENDED_USE,
        "not_for": NOT_FOR,
        "limitations": LIMITATIONS,
        "licence_note": f"{LICENCE_NOTE} {sum(images.values()):,} of its {PUBLISHED_IMAGES:,} images were used.",
        "data": {"name": "FER-2013", "sha256": data.sha256, "images": images},
        "training": {
            "date": release.trained_on,
            "commit": release.record.commit,
            "seed": seed,
            "epochs": {"configured": epochs, "completed": release.epochs_completed, "best": release.best_epoch},
            "loss": "categorical cross-entropy",
            "optimizer": "Adam, learning rate falling to zero along half a cosine",
            **config,
            "framework": f"Keras {release.record.keras} on {release.record.backend}",
        },
        "export": {
            "largest_difference_from_keras": float(f"{release.largest_difference:.2g}"),
            "faces_compared": release.compared_faces,
        },
        "metrics": {split: _rounded(asdict(metrics)) for split, metrics in release.metrics.items()},
    }


def card_text(card: dict[str, Any]) -> str:
    """The card as JSON, with lists of numbers on one line each so that a person can read the matrix."""
    text = json.dumps(card, indent=2, ensure_ascii=False)
    return re.sub(r"\[[\d\s,]+\]", lambda found: re.sub(r"\s+", " ", found[0]), text) + "\n"


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, DIGITS)
        case dict():
            return {key: _rounded(part) for key, part in value.items()}
    return value
