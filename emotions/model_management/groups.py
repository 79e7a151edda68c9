"""Read the report by group, groups.json, that `python -m training evaluate --groups` leaves beside a model's card."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.labels import EMOTIONS, Emotion
from ml.types import ModelCard

GROUPS_FILE = "groups.json"
FORMAT = 1
LARGEST = 1_000_000  # bytes
DAMAGED = (
    "The report by group (groups.json) is damaged. Make it again with `python -m training evaluate --groups --write`."
)
FOREIGN = (
    "The report by group (groups.json) is of another model or another version of this one, so it is not shown."
    " Make one of this model with `python -m training evaluate --groups --write`."
)


@dataclass(frozen=True, slots=True)
class Share:
    """A share of right answers with its 95% interval, in whole percent."""

    right: int
    of: int
    percent: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Recall:
    """How one class of a group was answered. The share is None where the group has no face of the class."""

    emotion: Emotion
    share: Share | None
    instead: str  # "neutral 4, sad 1"; empty if no answer was wrong


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    photos: int
    without_face: int
    accuracy: Share | None
    classes: tuple[Recall, ...]  # in the order of EMOTIONS


@dataclass(frozen=True, slots=True)
class Column:
    """What the groups of one column got, and sentences about those that differ beyond chance."""

    name: str
    groups: tuple[Group, ...]
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupReport:
    """A report by group, or only the sentence that says why it cannot be shown."""

    problem: str = ""
    model: str = ""
    date: str = ""
    photos: int = 0
    without_face: int = 0
    columns: tuple[Column, ...] = ()
    emotions: tuple[Emotion, ...] = EMOTIONS


def read_group_report(folder: Path, card: ModelCard | None) -> GroupReport | None:
    """Return the report in a model's folder; None if there is none, or the model itself cannot be read."""
    file = folder / GROUPS_FILE
    if card is None:
        return None
    try:
        if file.stat().st_size > LARGEST:
            return GroupReport(DAMAGED)
        found = json.loads(file.read_text("utf-8"))
        if found["format"] != FORMAT:
            return GroupReport(DAMAGED)
        return _report(found) if found["fingerprint"] == card.fingerprint else GroupReport(FOREIGN)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return GroupReport(DAMAGED)


def _report(found: dict[str, Any]) -> GroupReport:
    return GroupReport(
        model=_text(found["model"]),
        date=_text(found["date"]),
        photos=_count(found["photos"]),
        without_face=_count(found["without_face"]),
        columns=tuple(_column(each) for each in found["columns"]),
    )


def _column(found: dict[str, Any]) -> Column:
    return Column(
        _text(found["name"]),
        tuple(_group(each) for each in found["groups"]),
        tuple(_text(each) for each in found["differences"]),
    )


def _group(found: dict[str, Any]) -> Group:
    return Group(
        name=_text(found["name"]),
        photos=_count(found["photos"]),
        without_face=_count(found["without_face"]),
        accuracy=_share(found["accuracy"]),
        classes=tuple(_recall(emotion, found["classes"][emotion]) for emotion in EMOTIONS),
    )


def _recall(emotion: Emotion, found: dict[str, Any]) -> Recall:
    instead = {Emotion(answer): _count(count) for answer, count in found["instead"].items()}
    return Recall(emotion, _share(found["recall"]), ", ".join(f"{answer} {count}" for answer, count in instead.items()))


def _share(found: dict[str, Any] | None) -> Share | None:
    if found is None:
        return None
    percents = [round(100 * float(found[name])) for name in ("share", "low", "high")]
    if not all(0 <= percent <= 100 for percent in percents):
        raise ValueError(f"no shares: {percents}")
    return Share(_count(found["right"]), _count(found["of"]), *percents)


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"no count: {value!r}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"no text: {value!r}")
    value.encode()  # raises UnicodeEncodeError, a ValueError, for half a surrogate pair, which no page can hold
    return value
