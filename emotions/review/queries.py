"""Find the faces that staff should look at first, and count how often people disagree with each model version."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from django.db.models import BooleanField, Case, Count, Exists, F, OuterRef, Q, QuerySet, When

from crm.models import User
from emotions.answers.models import CannotTell, EmotionRecord
from emotions.answers.queries import ADJECTIVES
from emotions.corrections.queries import correctable
from emotions.model_versions.models import ModelVersion
from emotions.snapshots.models import Snapshot
from emotions.timeline.cards import Face
from ml.labels import EMOTIONS, Emotion

FACES_PER_PAGE = 20
POSITION = re.compile(r"(\d(?:\.\d+)?(?:e-\d+)?)-(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """A position in the list of faces to review: directly after this record."""

    confidence: float
    record_id: int

    @classmethod
    def parse(cls, text: str) -> Position | None:
        """Return None for the beginning of the list, and for a text that is not a position."""
        found = POSITION.fullmatch(text)
        return cls(float(found[1]), int(found[2])) if found else None

    def __str__(self) -> str:
        return f"{self.confidence!r}-{self.record_id}"


@dataclass(frozen=True, slots=True)
class ReviewFace:
    """One face in the list, with the attributes that the template of a photo needs."""

    subject: Face
    cannot_tell: bool = False  # whether the person who sees the list has said that they cannot tell

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
    """Return the versions whose records count for at least one snapshot, newest first."""
    return ModelVersion.objects.filter(Exists(Snapshot.objects.filter(model_version=OuterRef("pk")))).order_by("-pk")


def faces_to_review(
    user: User, version: ModelVersion | None = None, emotion: Emotion | None = None, after: Position | None = None
) -> ReviewPage:
    """Return one page of faces that nobody has judged, the least certain first, after this position.

    Faces that this person has passed as "cannot tell" are left out; colleagues still see them.
    """
    passed = CannotTell.objects.filter(record=OuterRef("pk"), said_by=user)
    records = correctable(user).filter(~Exists(passed), correction=None).order_by("confidence", "pk")
    if emotion:
        records = records.filter(dominant_emotion=emotion)
    if after:
        later = Q(confidence__gt=after.confidence) | Q(confidence=after.confidence, pk__gt=after.record_id)
        records = records.filter(later, confidence__gte=after.confidence)  # the second condition bounds the index scan
    # Few versions are in use, so each is read in the order of its own index. In one order for all versions, a million
    # records of a model that was replaced could come first.
    by_version = (
        records.filter(model_version=each, snapshot__model_version=each)[: FACES_PER_PAGE + 1]
        for each in ([version] if version else versions_in_use())
    )
    found = sorted(chain.from_iterable(by_version), key=attrgetter("confidence", "pk"))
    page = found[:FACES_PER_PAGE]
    next_page = Position(page[-1].confidence, page[-1].pk) if len(found) > FACES_PER_PAGE else None
    return ReviewPage(tuple(ReviewFace(Face(record)) for record in page), next_page)


@dataclass(frozen=True, slots=True)
class Judged:
    """How many answers people judged, and how many of these they disagreed with."""

    faces: int = 0
    disagreed: int = 0

    @property
    def percent(self) -> int | None:
        return round(100 * self.disagreed / self.faces) if self.faces else None

    def __add__(self, other: Judged) -> Judged:
        return Judged(self.faces + other.faces, self.disagreed + other.disagreed)


@dataclass(frozen=True, slots=True)
class ClassAgreement:
    """How people judged the answers of one emotion."""

    emotion: Emotion
    judged: Judged
    could_not_tell: int  # faces that somebody passed as "cannot tell"; others may have judged them
    instead: tuple[tuple[str, int], ...]  # what people chose instead: adjective and number, most frequent first

    @property
    def appears(self) -> str:
        return ADJECTIVES[self.emotion]


@dataclass(frozen=True, slots=True)
class VersionAgreement:
    """How people judged the answers of one model version."""

    version: ModelVersion
    named: Judged  # answers that named an emotion
    uncertain: Judged  # uncertain answers, judged by their most likely emotion
    classes: tuple[ClassAgreement, ...]  # by the model's most likely emotion, in FER-2013's order

    @property
    def judged(self) -> Judged:
        return self.named + self.uncertain

    @property
    def could_not_tell(self) -> int:
        return sum(each.could_not_tell for each in self.classes)


@dataclass(frozen=True, slots=True)
class _Tally:
    """A group of faces with the same answer of the model and the same correction."""

    answered: Emotion
    corrected_to: Emotion
    uncertain: bool
    faces: int

    @property
    def judged(self) -> Judged:
        return Judged(self.faces, self.faces if self.corrected_to != self.answered else 0)


def agreement(user: User) -> list[VersionAgreement]:
    """Return how people judged each model version, newest first, on the customers that this person may see.

    A correction of a face judges every version that has a record of that face.
    """
    uncertain = Case(
        When(confidence__lt=F("model_version__uncertain_below"), then=True),
        default=False,
        output_field=BooleanField(),
    )
    rows = (
        EmotionRecord.objects.visible_to(user)
        .filter(correction__isnull=False)
        .annotate(uncertain=uncertain)
        .values_list("model_version", "dominant_emotion", "correction__emotion", "uncertain")
        .annotate(faces=Count("pk"))
        .order_by()
    )
    tallies: dict[int, list[_Tally]] = {}
    for version, answered, corrected_to, is_uncertain, faces in rows:
        tally = _Tally(Emotion(answered), Emotion(corrected_to), is_uncertain, faces)
        tallies.setdefault(version, []).append(tally)
    passed = _could_not_tell(user)
    versions = ModelVersion.objects.filter(pk__in=[*tallies, *passed]).order_by("-pk")
    return [
        _version_agreement(version, tallies.get(version.pk, []), passed.get(version.pk, Counter()))
        for version in versions
    ]


def _could_not_tell(user: User) -> dict[int, Counter[Emotion]]:
    """Count the faces that somebody passed as "cannot tell", by model version and the model's most likely emotion."""
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


def _version_agreement(version: ModelVersion, tallies: list[_Tally], passed: Counter[Emotion]) -> VersionAgreement:
    return VersionAgreement(
        version,
        named=_sum(tally for tally in tallies if not tally.uncertain),
        uncertain=_sum(tally for tally in tallies if tally.uncertain),
        classes=tuple(
            _class_agreement(emotion, [tally for tally in tallies if tally.answered == emotion], passed[emotion])
            for emotion in EMOTIONS
        ),
    )


def _class_agreement(emotion: Emotion, tallies: list[_Tally], could_not_tell: int) -> ClassAgreement:
    instead: Counter[str] = Counter()
    for tally in tallies:
        if tally.corrected_to != emotion:
            instead[ADJECTIVES[tally.corrected_to]] += tally.faces
    return ClassAgreement(emotion, _sum(tallies), could_not_tell, tuple(instead.most_common()))


def _sum(tallies: Iterable[_Tally]) -> Judged:
    return sum((tally.judged for tally in tallies), Judged())
