"""Measures how well a released model does on each group of a user's own labelled photos."""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest, fisher_exact

from ml.classifier import EmotionClassifier
from ml.detection.mtcnn import MtcnnDetector
from ml.labels import EMOTIONS, Emotion
from ml.pipeline import EmotionPipeline
from training.data.dataset import Labels
from training.data.groups import GroupedPhotos, read_groups
from training.errors import TrainingError
from training.figures.metrics import NO_ANSWER
from training.figures.numbers import round_for_json
from training.figures.photos import predicted_classes, score_photos
from training.figures.released import read_release

FORMAT = 1
SIGNIFICANT = 0.05  # for all comparisons of a report together


@dataclass(frozen=True, slots=True)
class Share:
    """A share of right answers, with its 95% interval after Wilson (1927)."""

    right: int
    of: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ClassInGroup:
    """How one class of a group was answered."""

    recall: Share | None  # None without a photo of this class that has a face
    instead: dict[Emotion, int]  # the wrong answers, the most frequent first


@dataclass(frozen=True, slots=True)
class Group:
    """The figures of one group. Photos without a found face count in no share."""

    name: str
    photos: int
    without_face: int
    accuracy: Share | None
    classes: dict[Emotion, ClassInGroup]


@dataclass(frozen=True, slots=True)
class Column:
    """The groups of one column, and sentences about those that differ from the others beyond chance."""

    name: str
    groups: list[Group]
    differences: list[str]


@dataclass(frozen=True, slots=True)
class GroupReport:
    """The figures of one model by group. It names no file and no person."""

    format: int
    model: str
    fingerprint: str  # of the card
    date: str
    photos: int
    without_face: int
    columns: list[Column]

    def as_dict(self) -> dict[str, Any]:
        """Return the report for JSON."""
        report: dict[str, Any] = round_for_json(asdict(self))
        return report

    def as_text(self) -> str:
        """Return the report for people."""
        lines = [f"{self.model} on {self.photos} photos, {self.without_face} of them without a found face"]
        for column in self.columns:
            lines += ["", f"{column.name}: right answers, with 95% intervals"]
            for group in column.groups:
                lines += _lines_of(group)
            lines += column.differences or ["No difference between the groups is beyond chance."]
        return "\n".join(lines)


def evaluate_groups(model: str, csv_file: Path, folder: Path) -> GroupReport:
    """Score a released model by the groups that `csv_file` gives the photos of `folder`, see read_groups.

    Raises TrainingError if there is no such model, the CSV file is wrong, or a photo cannot be read.
    """
    card, weights = read_release(model)
    grouped = read_groups(csv_file, folder)
    pipeline = EmotionPipeline(MtcnnDetector(), EmotionClassifier(weights, card))
    (scores,) = score_photos([pipeline], grouped.photos, folder)
    answers = predicted_classes(scores)
    if (answers == NO_ANSWER).all():
        raise TrainingError(f"No face was found in any of the {len(answers)} photos of {folder}.")
    return GroupReport(
        format=FORMAT,
        model=card.model_version,
        fingerprint=card.fingerprint,
        date=datetime.now(UTC).date().isoformat(),
        photos=len(answers),
        without_face=int((answers == NO_ANSWER).sum()),
        columns=measure_columns(grouped, answers),
    )


def measure_columns(grouped: GroupedPhotos, answers: Labels) -> list[Column]:
    """Compare the answers, (photos,), with the labels in each group of each column."""
    labels = np.array([label for _, label in grouped.photos], np.int64)
    columns = {
        name: [
            _measure_group(group, labels[inside], answers[inside])
            for group in sorted(set(groups))
            if (inside := np.array(groups) == group).any()
        ]
        for name, groups in grouped.columns.items()
    }
    comparisons = {name: _compare(groups) for name, groups in columns.items()}
    # Bonferroni: with many comparisons, some look significant by chance.
    limit = SIGNIFICANT / max(sum(map(len, comparisons.values())), 1)
    return [
        Column(name, groups, [sentence for chance, sentence in comparisons[name] if chance < limit])
        for name, groups in columns.items()
    ]


def _measure_group(name: str, labels: Labels, answers: Labels) -> Group:
    found = answers != NO_ANSWER
    right = found & (labels == answers)
    classes = {}
    for index, emotion in enumerate(EMOTIONS):
        of_class = found & (labels == index)
        wrong = Counter(EMOTIONS[answer] for answer in answers[of_class & ~right])
        classes[emotion] = ClassInGroup(
            _share(int(right[of_class].sum()), int(of_class.sum())), dict(wrong.most_common())
        )
    return Group(name, len(labels), int((~found).sum()), _share(int(right.sum()), int(found.sum())), classes)


def _share(right: int, of: int) -> Share | None:
    if not of:
        return None
    interval = binomtest(right, of).proportion_ci(method="wilson")
    return Share(right, of, right / of, max(float(interval.low), 0.0), min(float(interval.high), 1.0))


def _compare(groups: list[Group]) -> list[tuple[float, str]]:
    """Return each comparison of a group with the others of its column: how likely it is by chance, and a sentence.

    The likelihood is the p of Fisher's exact test, two-sided.
    """
    compared = groups[:1] if len(groups) == 2 else groups  # of two groups one comparison says all
    found = []
    for group in compared:
        others = [each for each in groups if each is not group]
        pairs = [("photos", group.accuracy, [each.accuracy for each in others])]
        pairs += [
            (f"{emotion} photos", of_class.recall, [each.classes[emotion].recall for each in others])
            for emotion, of_class in group.classes.items()
        ]
        for subject, own, of_others in pairs:
            rest = [share for share in of_others if share]
            if own and rest:
                found.append(_compare_shares(group.name, subject, own, rest))
    return found


def _compare_shares(name: str, subject: str, own: Share, others: list[Share]) -> tuple[float, str]:
    right, of = sum(each.right for each in others), sum(each.of for each in others)
    chance = fisher_exact([[own.right, own.of - own.right], [right, of - right]]).pvalue
    sentence = (
        f"{name} differs from the others beyond chance: {own.share:.0%} of its {subject} are answered rightly,"
        f" {right / of:.0%} of theirs."
    )
    return float(chance), sentence


def _lines_of(group: Group) -> list[str]:
    lines = [f"  {group.name}: {group.photos} photos, {group.without_face} without a found face"]
    lines.append(f"    {'accuracy':<10}{_text_of(group.accuracy)}")
    for emotion, of_class in group.classes.items():
        instead = ", ".join(f"{answer} {count}" for answer, count in of_class.instead.items())
        if of_class.recall:
            lines.append(f"    {emotion:<10}{_text_of(of_class.recall)}{f'  instead: {instead}' if instead else ''}")
    return lines


def _text_of(share: Share | None) -> str:
    if share is None:
        return "no photo with a face"
    return f"{share.share:>5.0%} ({share.low:.0%} to {share.high:.0%})  {share.right} of {share.of}"
