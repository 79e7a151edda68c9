"""Reads: what one customer's timeline shows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.core.paginator import Page, Paginator
from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from crm.models import Consent, Customer, Interaction
from emotions.answers.queries import ADJECTIVES, Answer, answer, model_answer
from emotions.corrections.services import SAME_FACE
from emotions.model_versions.services import other_versions
from emotions.models import EmotionCorrection, EmotionRecord, Reanalysis, Snapshot
from ml.labels import Emotion

INTERACTIONS_PER_PAGE = 20
# A photo is usually analysed within a second; one that waits for longer is asked after less often.
POLL_SOON = "700ms"
POLL_LATER = "5s"
SOON = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Score:
    emotion: Emotion
    adjective: str
    percent: int
    dominant: bool


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a photo as staff see it."""

    record: EmotionRecord

    @property
    def number(self) -> int:
        return self.record.face_index + 1

    @property
    def answer(self) -> Answer:
        """What stands for the face."""
        return answer(self.record)

    @property
    def model_answer(self) -> Answer:
        """What the model says, whatever people say."""
        return model_answer(self.record)

    @property
    def correction(self) -> EmotionCorrection | None:
        """What a person said of the face, if that stands."""
        return self.record.correction

    @property
    def agrees(self) -> bool:
        """Whether the model and the person who said something name the same emotion."""
        return self.model_answer.emotion == self.answer.emotion

    @property
    def percent(self) -> int:
        return round(self.record.confidence * 100)

    @property
    def scores(self) -> list[Score]:
        return [
            Score(emotion, ADJECTIVES[emotion], round(score * 100), emotion == self.record.dominant_emotion)
            for emotion, score in self.record.scores.items()
        ]


@dataclass(frozen=True, slots=True)
class Card:
    """One snapshot as staff see it."""

    snapshot: Snapshot
    faces: tuple[Face, ...]
    earlier: tuple[Face, ...] = ()  # the customer's face as other model versions saw it, newest first
    by_another_model: bool = False  # than the active one

    @property
    def subject(self) -> Face | None:
        """The face that is the customer."""
        return next((face for face in self.faces if face.record.is_subject), None)

    @property
    def others(self) -> tuple[Face, ...]:
        return tuple(face for face in self.faces if not face.record.is_subject)

    @property
    def several(self) -> bool:
        return len(self.faces) > 1

    @property
    def poll_every(self) -> str:
        """How often the browser asks for news; empty when the snapshot is done."""
        if not self.snapshot.is_unfinished:
            return ""
        return POLL_SOON if timezone.now() - self.snapshot.due_at < SOON else POLL_LATER

    @property
    def state(self) -> str:
        """Changes whenever the card must be drawn anew."""
        return f"{self.snapshot.status}-{self.poll_every}"

    @property
    def can_be_reanalysed(self) -> bool:
        return bool(self.snapshot.file) and self.snapshot.status in Reanalysis.ANALYSED_BEFORE

    @property
    def number_size(self) -> int:
        """Height in the photo's pixels of the numbers that stand beside several faces' boxes."""
        return max(self.snapshot.width, self.snapshot.height) // 24

    @property
    def summary(self) -> str:
        """One sentence for people who hear the page."""
        if self.snapshot.status == Snapshot.Status.ANALYSED and (face := self.subject):
            return _told(face)
        return f"{self.snapshot.get_status_display()}."


@dataclass(frozen=True, slots=True)
class Entry:
    """One interaction with its snapshots."""

    interaction: Interaction
    cards: tuple[Card, ...]


def card(snapshot: Snapshot, others: Collection[int]) -> Card:
    """A snapshot of `with_faces` made ready to show; `others` are the model versions that are not active."""
    faces = tuple(Face(record) for record in snapshot.records.all())
    return Card(snapshot, faces, tuple(_earlier(snapshot, faces)), snapshot.model_version_id in others)


def _earlier(snapshot: Snapshot, faces: Iterable[Face]) -> Iterable[Face]:
    """What other model versions said of the customer's face, wherever they put it in the order of faces."""
    subject = next((face.record for face in faces if face.record.is_subject), None)
    records: list[EmotionRecord] = getattr(snapshot, "earlier_records", [])
    for record in records:
        if record.box.overlap(subject.box) >= SAME_FACE if subject else record.is_subject:
            yield Face(record)


def with_faces(snapshots: QuerySet[Snapshot]) -> QuerySet[Snapshot]:
    """With the records that count, but without the faces' pictures, which browsers fetch one by one."""
    records = EmotionRecord.objects.current().with_answers().prefetch_related("cannot_tell__said_by")
    records = records.order_by("face_index")
    return snapshots.select_related("model_version", "interaction__customer").prefetch_related(
        Prefetch("records", queryset=records),
        Prefetch("records", EmotionRecord.objects.superseded().with_answers().order_by("-pk"), "earlier_records"),
    )


def timeline_page(customer: Customer, number: str | int | None) -> tuple[Page[Interaction], list[Entry]]:
    """One page of the customer's interactions, newest first. A number that there is not gives the nearest page."""
    interactions = (
        Interaction.objects.filter(customer=customer)
        .select_related("staff")
        .prefetch_related(Prefetch("snapshots", queryset=with_faces(Snapshot.objects.all())))
        .order_by("-occurred_at", "-pk")
    )
    page = Paginator(interactions, INTERACTIONS_PER_PAGE).get_page(number)
    return page, list(_entries(page))


def page_with(interaction: Interaction) -> int:
    """The number of the timeline's page on which the interaction stands."""
    newer = Q(occurred_at__gt=interaction.occurred_at) | Q(occurred_at=interaction.occurred_at, pk__gt=interaction.pk)
    return Interaction.objects.filter(newer, customer=interaction.customer_id).count() // INTERACTIONS_PER_PAGE + 1


def newest_consent(customer: Customer, scope: str = Consent.Scope.EMOTION_ANALYSIS) -> Consent | None:
    """The entry that says whether photos may be analysed, or used for this, at present."""
    entries = Consent.objects.filter(customer=customer, scope=scope)
    return entries.select_related("recorded_by").order_by("-pk").first()


def _entries(interactions: Iterable[Interaction]) -> Iterable[Entry]:
    others = other_versions()
    for interaction in interactions:
        yield Entry(interaction, tuple(card(snapshot, others) for snapshot in interaction.snapshots.all()))


def _told(face: Face) -> str:
    if face.correction:
        return f"A person says that the customer {face.answer.text}. The model's answer: {face.model_answer.text}."
    if face.answer.uncertain:
        return f"The estimate is {face.answer.text}."
    return f"The customer {face.answer.text}, confidence {face.percent} percent."
