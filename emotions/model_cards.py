"""The released models as staff read them: card.json as data, and whether the files agree with it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emotions.activation import ActiveModel, problem_of
from ml.errors import ModelUnavailable
from ml.labels import EMOTIONS, Emotion
from ml.registry import CARD_FILE, VALID_NAME, load_card
from ml.types import ModelCard

TITLES = {
    "validation": "Validation split",
    "test": "Test split",
    "test_without_near_duplicates": "Test split without near-duplicates of the training split",
    "fer": "FER-2013 labels",
    "ferplus": "FER+ labels",
}
SPLITS = ("test", "test_without_near_duplicates", "validation")  # the most telling first
SHADES = 10  # of the heat map, each a class of the style sheet


@dataclass(frozen=True, slots=True)
class Cell:
    """How many faces of one label were given one answer."""

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
    """One class; a figure that the card does not have is None."""

    emotion: Emotion
    images: int | None
    precision: float | None
    recall: float | None
    f1: float | None
    confusion: tuple[Cell, ...]  # empty when the card has no matrix


@dataclass(frozen=True, slots=True)
class Figures:
    """How well a model did on one split with one set of labels."""

    title: str
    images: int | None
    accuracy: float | None
    macro_f1: float | None
    calibration_error: float | None
    classes: tuple[ClassFigures, ...]

    @property
    def accuracy_text(self) -> str:
        return "unknown" if self.accuracy is None else f"{self.accuracy:.1%}"

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
    problem: str  # why it cannot be activated, as a sentence; or empty
    text: dict[str, Any]  # all of card.json
    figures: tuple[Figures, ...]  # the most telling first

    @property
    def best_known(self) -> Figures | None:
        return self.figures[0] if self.figures else None

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
        """What its file does that an ordinary one does not, in sentences."""
        export = _dict(self.text.get("export"))
        sentences = []
        if export.get("averaged_with_mirror_image") is True:
            sentences.append("Each answer is the mean over the face and its mirror image.")
        if export.get("weights") == "int8":
            sentences.append("Its weights are rounded to eight bits, which makes it faster.")
        return sentences


def released_models(models_dir: Path) -> list[ReleasedModel]:
    """One for each folder, by name."""
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


def is_folder(name: str, models_dir: Path) -> bool:
    """Whether a model may be there; never true for a path that leads elsewhere."""
    return bool(VALID_NAME.fullmatch(name)) and (models_dir / name).is_dir()


def _all_figures(text: dict[str, Any]) -> list[Figures]:
    """Of every split, and of every labelling that the card tells apart; what is not understood is left out.

    First those of the output that answers, on the test split.
    """
    answers = str(text.get("output"))
    found = [*_walk(text.get("metrics"), ()), *_walk(text.get("outputs"), ())]
    found.sort(key=lambda each: (not _names(each[0], answers), _split(each[0])))
    return [_figures(", ".join(_title(name) for name in sorted(names, key=_is_labelling)), of) for names, of in found]


def _walk(value: Any, names: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every group of figures below, with the names that lead to it."""
    inner = _dict(value)
    if "accuracy" in inner or "confusion" in inner:
        yield names, inner
        return
    for name, below in inner.items():
        yield from _walk(below, names if name == "metrics" else (*names, name))


def _names(names: tuple[str, ...], output: str) -> bool:
    return any(output.endswith(name) for name in names if _is_labelling(name))


def _split(names: tuple[str, ...]) -> int:
    return min((SPLITS.index(name) for name in names if name in SPLITS), default=len(SPLITS))


def _is_labelling(name: str) -> bool:
    return name not in SPLITS


def _figures(title: str, found: dict[str, Any]) -> Figures:
    classes, confusion = _dict(found.get("classes")), _matrix(found.get("confusion"))
    return Figures(
        title=title,
        images=_count(found.get("images")),
        accuracy=_number(found.get("accuracy")),
        macro_f1=_number(found.get("macro_f1")),
        calibration_error=_calibration_error(found),
        classes=tuple(_class(emotion, _dict(classes.get(emotion)), confusion) for emotion in EMOTIONS),
    )


def _calibration_error(found: dict[str, Any]) -> float | None:
    names = ("expected_calibration_error", "calibration_error", "ece")
    values = (_number(found.get(name)) for name in names)
    return next((value for value in values if value is not None), None)


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
            for answer, count in zip(EMOTIONS, row, strict=False)  # there may be no row
        ),
    )


def _matrix(value: Any) -> list[list[int]]:
    """The rows are labels, the columns answers; empty when it is no square of counts."""
    size = len(EMOTIONS)
    if not isinstance(value, list) or len(value) != size:
        return []
    rows = [[_count(count) for count in row] if isinstance(row, list) else [] for row in value]
    whole = all(len(row) == size and None not in row for row in rows)
    return [[count or 0 for count in row] for row in rows] if whole else []


def _title(name: str) -> str:
    return TITLES.get(name, name.replace("_", " ").capitalize())


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
