"""Reads released models by name: models/NAME/model.onnx with its card.json. Loads no runtime."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from ml.errors import ModelUnavailable
from ml.labels import EMOTIONS, Emotion
from ml.types import ModelCard, Preprocessing

MODELS_DIR = Path(__file__).parent / "models"
CARD_FILE = "card.json"
DEFAULT_MODEL = "residual-int8"  # config.settings, which loads nothing of ml, names the same one
VALID_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")  # file systems end at 255 bytes
RESTORE = "Restore it with `git checkout -- ml/models` or export the model again."


def load_card(name: str, models_dir: Path = MODELS_DIR, *, every_class: bool = True) -> ModelCard:
    """Read a model's card. Raises ModelUnavailable when it is missing or not valid.

    A model that knows only some of the classes is refused too, because each face gets seven scores. With
    `every_class` false it is accepted, which is meant for comparing models.
    """
    path = _folder(name, models_dir) / CARD_FILE
    try:
        card = _parse_card(json.loads(_read(path)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelUnavailable(f"The model card {path} is not valid ({error!r}). {RESTORE}") from error
    if every_class and (unknown := [each for each in EMOTIONS if each not in card.classes]):
        raise ModelUnavailable(
            f"The model {card.model_version} does not know {', '.join(unknown)}. It can be evaluated, but photos are"
            " analysed by models that know all seven emotions. Name another model."
        )
    return card


def check_model(name: str, models_dir: Path = MODELS_DIR) -> ModelCard:
    """Check that a model is complete and unaltered, and return its card. Raises ModelUnavailable otherwise."""
    return read_model(name, models_dir)[0]


def read_model(name: str, models_dir: Path = MODELS_DIR, *, every_class: bool = True) -> tuple[ModelCard, bytes]:
    """Read a model's card, see load_card, and its ONNX bytes, whose sha256 agrees with the card.

    Raises ModelUnavailable when a file is missing, altered or not valid.
    """
    card = load_card(name, models_dir, every_class=every_class)
    path = _folder(name, models_dir) / "model.onnx"
    weights = _read(path)
    if hashlib.sha256(weights).hexdigest() != card.sha256:
        raise ModelUnavailable(f"The model file {path} is not the one that its card describes (sha256). {RESTORE}")
    return card, weights


def _folder(name: str, models_dir: Path) -> Path:
    if not VALID_NAME.fullmatch(name):
        raise ModelUnavailable(f"{name!r} is not a model name. Use a folder name in {models_dir}.")
    return models_dir / name


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelUnavailable(f"The model file {path} cannot be read ({error.strerror}). {RESTORE}") from error


def _parse_card(card: dict[str, Any]) -> ModelCard:
    classes = tuple(Emotion(label) for label in card["classes"])
    if len(classes) < 2 or classes != tuple(each for each in EMOTIONS if each in classes):
        raise ValueError(f"classes must be {', '.join(EMOTIONS)}, or some of these in this order")
    if card["input"]["channels"] != 1:
        raise ValueError("input.channels must be 1")
    return ModelCard(
        name=str(card["name"]),
        version=str(card["version"]),
        classes=classes,
        preprocessing=_parse_preprocessing(card),
        sha256=str(card["sha256"]),
        output=str(card.get("output", "scores")),
        uncertain_below=_parse_share(card.get("uncertain_below", 0.0)),
    )


def _parse_share(value: Any) -> float:
    if not 0 <= float(value) <= 1:
        raise ValueError(f"uncertain_below must be from 0 to 1, not {value}")
    return float(value)


def _parse_preprocessing(card: dict[str, Any]) -> Preprocessing:
    size = int(card["input"]["size"])
    margin = float(card["preprocessing"]["margin"])
    normalisation = card["preprocessing"]["normalisation"]
    if size < 1 or not 0 < margin < 10:
        raise ValueError("input.size and preprocessing.margin must be positive")
    if normalisation != "standardise":
        raise ValueError(f"preprocessing.normalisation {normalisation!r} is unknown")
    aligned = bool(card["preprocessing"].get("aligned", False))
    return Preprocessing(size=size, margin=margin, normalisation=normalisation, aligned=aligned)
