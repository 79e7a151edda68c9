"""Reads: the faces that staff should look at first, and how often people disagree with each model version."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from django.db.models import BooleanField, Case, Count, Exists, F, OuterRef, Q, QuerySet, When

from crm.models import User
from emotions.answers.queries import ADJECTIVES
from emotions.models import CannotTell, EmotionRecord, ModelVersion, Snapshot
from emotions.timeline.queries import Face
from ml.labels import EMOTIONS, Emotion

FACES_PER_PAGE = 20
POSITION = re.compile(r"(\d(?:\.\d+)?(?:e-\d+)?)-(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the list of faces to review, which is after one of them."""

    confidence: float
    record_id: int

    @classmethod
    def parse(cls, text: str) -> Position | None:
        """None for the beginning, and for what is no position."""
        found = POSITION.fullmatch(text)
        return cls(float(found[1]), int(found[2])) if found else None

    def __str__(self) -> str:
        return f"{self.confidence!r}-{self.record_id}"


@dataclass(frozen=True, slots=True)
class ReviewFace:
    """One face in the list, with what the template of a photo asks for."""

    subject: Face
    cannot_tell: bool = False  # whether the person who looks at the list said so

    @property
    def snapshot(self) -> Snapshot:
        return self.subject.record.snapshot

    @property
    def faces(self) -> tuple[Face, ...]:
        return (self.subject,)

    @property
    def several(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class ReviewPage:
    faces: tuple[ReviewFace, ...]
    next: Position | None


def versions_in_use() -> QuerySet[ModelVersion]:
    """Those whose records count for any snapshot."""
    return ModelVersion.objects.filter(Exists(Snapshot.objects.filter(model_version=OuterRef("pk")))).order_by("-pk")


def reviewable(user: User) -> QuerySet[EmotionRecord]:
    """The customers' faces on which this member of staff may say something."""
    records = EmotionRecord.objects.visible_to(user).current().of_subjects().with_answers()
    return records.select_related("snapshot__interaction__customer").prefetch_related("cannot_tell__said_by")


def faces_to_review(
    user: User, version: ModelVersion | None = None, emotion: Emotion | None = None, after: Position | None = None
) -> ReviewPage:
    """Faces on which nobody has said anything, the least certain first: one page of them after that position.

    Without those of which this person cannot tell; somebody else may.
    """
    passed = CannotTell.objects.filter(record=OuterRef("pk"), said_by=user)
    records = reviewable(user).filter(~Exists(passed), correction=None).order_by("confidence", "pk")
    if emotion:
        records = records.filter(dominant_emotion=emotion)
    if after:
        behind = Q(confidence__gt=after.confidence) | Q(confidence=after.confidence, pk__gt=after.record_id)
        records = records.filter(behind, confidence__gte=after.confidence)  # the second one bounds the index scan
    # One version at a time in the order of the index: in that of all versions, a million records of a model that was
    # replaced could come first. Few versions are in use.
    of_each = (
        records.filter(model_version=each, snapshot__model_version=each)[: FACES_PER_PAGE + 1]
        for each in ([version] if version else versions_in_use())
    )
    found = sorted(chain.from_iterable(of_each), key=attrgetter("confidence", "pk"))
    shown = found[:FACES_PER_PAGE]
    more = Position(shown[-1].confidence, shown[-1].pk) if len(found) > FACES_PER_PAGE else None
    return ReviewPage(tuple(ReviewFace(Face(record)) for record in shown), more)


@dataclass(frozen=True, slots=True)
class Judged:
    """How many answers people judged, and with how many they disagreed."""

    faces: int = 0
    disagreed: int = 0

    @property
    def percent(self) -> int | None:
        return round(100 * self.disagreed / self.faces) if self.faces else None

    def __add__(self, other: Judged) -> Judged:
        return Judged(self.faces + other.faces, self.disagreed + other.disagreed)


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """The answers of one class."""

    emotion: Emotion
    judged: Judged
    could_not_tell: int  # faces of which somebody said so; others may have judged them
    instead: tuple[tuple[str, int], ...]  # what people said: adjective and how often, most often first

    @property
    def appears(self) -> str:
        return ADJECTIVES[self.emotion]


@dataclass(frozen=True, slots=True)
class VersionAgreement:
    version: ModelVersion
    named: Judged  # answers that named an emotion
    uncertain: Judged  # answers that did not; their most likely emotion is judged
    classes: tuple[ClassAgreement, ...]  # by the model's most likely emotion, in FER-2013's order

    @property
    def judged(self) -> Judged:
        return self.named + self.uncertain

    @property
    def could_not_tell(self) -> int:
        return sum(each.could_not_tell for each in self.classes)


@dataclass(frozen=True, slots=True)
class _Tally:
    """Answers of one kind on which people said the same."""

    answered: Emotion
    said: Emotion
    uncertain: bool
    faces: int

    @property
    def judged(self) -> Judged:
        return Judged(self.faces, self.faces if self.said != self.answered else 0)


def agreement(user: User) -> list[VersionAgreement]:
    """How people judged each model version on the customers that this member of staff may see, newest first.

    What a person said of a face judges every version that has a record of that face.
    """
    unsure = Case(
        When(confidence__lt=F("model_version__uncertain_below"), then=True),
        default=False,
        output_field=BooleanField(),
    )
    rows = (
        EmotionRecord.objects.visible_to(user)
        .filter(correction__isnull=False)
        .annotate(unsure=unsure)
        .values_list("model_version", "dominant_emotion", "correction__emotion", "unsure")
        .annotate(faces=Count("pk"))
        .order_by()
    )
    tallies: dict[int, list[_Tally]] = {}
    for version, answered, said, uncertain, faces in rows:
        tallies.setdefault(version, []).append(_Tally(Emotion(answered), Emotion(said), uncertain, faces))
    unsaid = _could_not_tell(user)
    versions = ModelVersion.objects.filter(pk__in=[*tallies, *unsaid]).order_by("-pk")
    return [
        _version_agreement(version, tallies.get(version.pk, []), unsaid.get(version.pk, Counter()))
        for version in versions
    ]


def _could_not_tell(user: User) -> dict[int, Counter[Emotion]]:
    """Of how many faces somebody could not tell, by model version and the model's most likely emotion."""
    rows = (
        EmotionRecord.objects.visible_to(user)
        .filter(Exists(CannotTell.objects.filter(record=OuterRef("pk"))))
        .values_list("model_version", "dominant_emotion")
        .annotate(faces=Count("pk"))
        .order_by()
    )
    counts: dict[int, Counter[Emotion]] = {}
    for version, answered, faces in rows:
        counts.setdefault(version, Counter())[Emotion(answered)] = faces
    return counts


def _version_agreement(version: ModelVersion, tallies: list[_Tally], unsaid: Counter[Emotion]) -> VersionAgreement:
    return VersionAgreement(
        version,
        named=_sum(tally for tally in tallies if not tally.uncertain),
        uncertain=_sum(tally for tally in tallies if tally.uncertain),
        classes=tuple(
            _class_agreement(emotion, [tally for tally in tallies if tally.answered == emotion], unsaid[emotion])
            for emotion in EMOTIONS
        ),
    )


def _class_agreement(emotion: Emotion, tallies: list[_Tally], could_not_tell: int) -> ClassAgreement:
    instead: Counter[str] = Counter()
    for tally in tallies:
        if tally.said != emotion:
            instead[ADJECTIVES[tally.said]] += tally.faces
    return ClassAgreement(emotion, _sum(tallies), could_not_tell, tuple(instead.most_common()))


def _sum(tallies: Iterable[_Tally]) -> Judged:
    return sum((tally.judged for tally in tallies), Judged())
