"""Read released models for staff: what each card.json says, and whether the files agree with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotions.model_versions.services import ActiveModel, problem_of
from ml.errors import ModelUnavailable
from ml.labels import EMOTIONS, Emotion
from ml.registry import CARD_FILE, VALID_NAME, load_card
from ml.types import ModelCard

SPLITS = {  # the most telling first
    "test": "Test split",
    "test_without_near_duplicates": "Test split without near-duplicates of the training split",
    "validation": "Validation split",
}
LABELLINGS = {"fer": "FER-2013 labels", "ferplus": "FER+ labels"}
WHOLE_PHOTOS = "Whole photos, from finding the face on"
SHADES = 10  # in the heat map; each is a class in the style sheet


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the confusion matrix: how many faces with one label got one answer."""

    answer: Emotion
    count: int
    share: float  # of the faces with this label, 0..1
    right: bool

    @property
    def percent(self) -> int:
        return round(self.share * 100)

    @property
    def shade(self) -> int:
        return round(self.share * SHADES)


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """The figures of one emotion. A figure that the card lacks is None."""

    emotion: Emotion
    images: int | None
    precision: float | None
    recall: float | None
    f1: float | None
    confusion: tuple[Cell, ...]  # empty when the card has no matrix


@dataclass(frozen=True, slots=True)
class Figures:
    """How well a model did on one split with one set of labels, or on whole photos."""

    title: str
    images: int | None
    accuracy: float | None
    macro_f1: float | None
    calibration_error: float | None
    answered: float | None  # 0..1, the share of faces for which an emotion is named
    right: float | None  # 0..1, the share of right answers among those
    classes: tuple[ClassFigures, ...]

    @property
    def labels(self) -> str:
        """Return the set of labels that it was measured against; empty if the card does not say."""
        return next((labels for labels in LABELLINGS.values() if self.title.endswith(f", {labels}")), "")

    @property
    def accuracy_text(self) -> str:
        return "unknown" if self.accuracy is None else f"{self.accuracy:.1%}"

    @property
    def at_threshold_text(self) -> str:
        """Return what happens at the threshold, as part of a sentence; empty if the card does not say."""
        if self.answered is None or self.right is None:
            return ""
        return f"names an emotion for {self.answered:.1%} of the faces, {self.right:.1%} of these rightly"

    @property
    def has_confusion(self) -> bool:
        return any(each.confusion for each in self.classes)

    @property
    def has_classes(self) -> bool:
        return any(each.f1 is not None for each in self.classes)


@dataclass(frozen=True, slots=True)
class ReleasedModel:
    """A folder of MODELS_DIR."""

    folder: str
    card: ModelCard | None  # None when it cannot be read
    problem: str  # a sentence that says why it cannot be activated; empty if it can
    text: dict[str, Any]  # the whole card.json
    figures: tuple[Figures, ...]  # the most telling first

    @property
    def best_known(self) -> Figures | None:
        return self.figures[0] if self.figures else None

    @property
    def accuracies(self) -> list[tuple[str, str]]:
        """Return the accuracy on the test split for each set of labels; empty if the card names none.

        Only figures with the same labels can be compared between models.
        """
        by_labels = {figures.title: figures.accuracy_text for figures in self.figures if figures.labels}
        titles = {labels: f"{SPLITS['test']}, {labels}" for labels in LABELLINGS.values()}
        if by_labels.keys().isdisjoint(titles.values()):
            return []
        return [(labels, by_labels.get(title, "not measured")) for labels, title in titles.items()]

    @property
    def on_whole_photos(self) -> Figures | None:
        return next((figures for figures in self.figures if figures.title == WHOLE_PHOTOS), None)

    @property
    def milliseconds_a_face(self) -> float | None:
        """Return how long one face took, on one thread of the machine that exported the model."""
        return _number(self.text.get("milliseconds_a_face"))

    @property
    def intended_use(self) -> str:
        return _sentence(self.text.get("intended_use"))

    @property
    def not_for(self) -> list[str]:
        return _sentences(self.text.get("not_for"))

    @property
    def limitations(self) -> list[str]:
        return _sentences(self.text.get("limitations"))

    @property
    def licence(self) -> str:
        return _sentence(self.text.get("licence_note"))

    @property
    def making(self) -> list[str]:
        """Return sentences about how the model differs from a plain export."""
        export = _dict(self.text.get("export"))
        sentences = []
        if export.get("averaged_with_mirror_image") is True:
            sentences.append("Each answer is the mean over the face and its mirror image.")
        if export.get("weights") == "int8":
            sentences.append("Its weights are rounded to eight bits, which makes it faster.")
        return sentences


def released_models(models_dir: Path) -> list[ReleasedModel]:
    """Return one model for each folder, ordered by name."""
    try:
        folders = sorted(each.name for each in models_dir.iterdir() if each.is_dir() and not each.name.startswith("."))
    except OSError:
        return []
    return [released_model(folder, models_dir) for folder in folders]


def released_model(folder: str, models_dir: Path) -> ReleasedModel:
    try:
        card = load_card(folder, models_dir)
        text = json.loads((models_dir / folder / CARD_FILE).read_text("utf-8"))
    except (ModelUnavailable, OSError, ValueError) as error:
        return ReleasedModel(folder, None, str(error), {}, ())
    problem = problem_of(ActiveModel(folder, models_dir))
    return ReleasedModel(folder, card, problem, text, tuple(_all_figures(text)))


def is_model_folder(name: str, models_dir: Path) -> bool:
    """Return whether this names a folder of a model. Never true for a path that leads out of `models_dir`."""
    return bool(VALID_NAME.fullmatch(name)) and (models_dir / name).is_dir()


def _all_figures(text: dict[str, Any]) -> list[Figures]:
    """Return the figures for every set of labels and every split.

    Those of the output that answers come first, and those on whole photos second.
    """
    answering = text.get("output")
    outputs = sorted(_dict(text.get("outputs")).items(), key=lambda each: each[0] != answering)
    found = [figures for name, output in outputs for figures in _of_splits(output, name)]
    found += _of_splits(text)
    if whole_photos := _dict(text.get("whole_photos")):
        found.insert(1, _figures(WHOLE_PHOTOS, whole_photos | {"images": whole_photos.get("photos")}))
    return found


def _of_splits(output: Any, labelling: str = "") -> list[Figures]:
    metrics = _dict(_dict(output).get("metrics"))
    labels = f", {LABELLINGS.get(labelling, labelling)}" if labelling else ""
    return [_figures(title + labels, metrics[name]) for name, title in SPLITS.items() if _dict(metrics.get(name))]


def _figures(title: str, found: dict[str, Any]) -> Figures:
    classes, confusion = _dict(found.get("classes")), _matrix(found.get("confusion"))
    at_threshold = _dict(found.get("at_threshold"))
    return Figures(
        title=title,
        images=_count(found.get("images")),
        accuracy=_number(found.get("accuracy")),
        macro_f1=_number(found.get("macro_f1")),
        calibration_error=_number(found.get("calibration_error")),
        answered=_number(at_threshold.get("answered")),
        right=_number(at_threshold.get("right")),
        classes=tuple(_class(emotion, _dict(classes.get(emotion)), confusion) for emotion in EMOTIONS),
    )


def _class(emotion: Emotion, found: dict[str, Any], confusion: list[list[int]]) -> ClassFigures:
    row = confusion[EMOTIONS.index(emotion)] if confusion else []
    faces = max(sum(row), 1)
    return ClassFigures(
        emotion=emotion,
        images=_count(found.get("images")),
        precision=_number(found.get("precision")),
        recall=_number(found.get("recall")),
        f1=_number(found.get("f1")),
        confusion=tuple(
            Cell(answer, count, count / faces, answer == emotion)
            for answer, count in zip(EMOTIONS, row, strict=False)  # the row is empty if the card has no matrix
        ),
    )


def _matrix(value: Any) -> list[list[int]]:
    """Return the confusion matrix: rows are labels, columns answers. Empty if it is not a square of counts."""
    size = len(EMOTIONS)
    if not isinstance(value, list) or len(value) != size:
        return []
    rows = [[_count(count) for count in row] if isinstance(row, list) else [] for row in value]
    whole = all(len(row) == size and None not in row for row in rows)
    return [[count or 0 for count in row] for row in rows] if whole else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _sentence(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _sentences(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else _sentences([value])
