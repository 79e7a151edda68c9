"""Show one photo with its faces as staff see it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from emotions.answers.models import EmotionCorrection, EmotionRecord
from emotions.answers.queries import ADJECTIVES, Answer, answer, model_answer
from emotions.corrections.services import SAME_FACE
from emotions.reanalyses.models import Reanalysis
from emotions.snapshots.models import Snapshot
from ml.labels import Emotion

# Most photos are analysed within a second. The page asks less often about one that has waited longer than SOON.
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
        """Return the answer that stands: a person's, or else the model's."""
        return answer(self.record)

    @property
    def model_answer(self) -> Answer:
        """Return the model's answer, whether or not a person has corrected it."""
        return model_answer(self.record)

    @property
    def correction(self) -> EmotionCorrection | None:
        """Return the correction that stands for this face; None if nobody made one or it was taken back."""
        return self.record.correction

    @property
    def agrees(self) -> bool:
        """Return whether the model names the emotion that the correction names."""
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
    by_another_model: bool = False  # whether the answers come from a model that is not the active one

    @property
    def subject(self) -> Face | None:
        """Return the face that is the customer."""
        return next((face for face in self.faces if face.record.is_subject), None)

    @property
    def others(self) -> tuple[Face, ...]:
        return tuple(face for face in self.faces if not face.record.is_subject)

    @property
    def several(self) -> bool:
        return len(self.faces) > 1

    @property
    def poll_every(self) -> str:
        """Return how often the browser asks for news; empty when the analysis has ended."""
        if not self.snapshot.is_unfinished:
            return ""
        return POLL_SOON if timezone.now() - self.snapshot.due_at < SOON else POLL_LATER

    @property
    def state(self) -> str:
        """Return a text that changes whenever the card must be drawn again."""
        return f"{self.snapshot.status}-{self.poll_every}"

    @property
    def can_be_reanalysed(self) -> bool:
        return bool(self.snapshot.file) and self.snapshot.status in Reanalysis.ANALYSED_BEFORE

    @property
    def number_size(self) -> int:
        """Return the height, in the photo's pixels, of the numbers beside the boxes of several faces."""
        return max(self.snapshot.width, self.snapshot.height) // 24

    @property
    def summary(self) -> str:
        """Return one sentence for people who use a screen reader."""
        if self.snapshot.status == Snapshot.Status.ANALYSED and (face := self.subject):
            return _sentence_about(face)
        return f"{self.snapshot.get_status_display()}."


def with_faces(snapshots: QuerySet[Snapshot]) -> QuerySet[Snapshot]:
    """Fetch all that `card` needs: the records that count, and the earlier ones.

    The faces' pictures are left out, because browsers fetch them one by one.
    """
    records = EmotionRecord.objects.current().with_answers().prefetch_related("cannot_tell__said_by")
    records = records.order_by("face_index")
    return snapshots.select_related("model_version", "interaction", "customer").prefetch_related(
        Prefetch("records", queryset=records),
        Prefetch("records", EmotionRecord.objects.superseded().with_answers().order_by("-pk"), "earlier_records"),
    )


def card(snapshot: Snapshot, inactive_versions: Collection[int]) -> Card:
    """Prepare a snapshot that `with_faces` fetched.

    `inactive_versions` are the primary keys of the model versions that are not active.
    """
    faces = tuple(Face(record) for record in snapshot.records.all())
    by_another_model = snapshot.model_version_id in inactive_versions
    return Card(snapshot, faces, tuple(_earlier(snapshot, faces)), by_another_model)


def _earlier(snapshot: Snapshot, faces: Iterable[Face]) -> Iterable[Face]:
    """Yield the customer's face as other model versions saw it, whatever number they gave it."""
    subject = next((face.record for face in faces if face.record.is_subject), None)
    records: list[EmotionRecord] = getattr(snapshot, "earlier_records", [])
    for record in records:
        if record.box.overlap(subject.box) >= SAME_FACE if subject else record.is_subject:
            yield Face(record)


def _sentence_about(face: Face) -> str:
    if face.correction:
        return f"A person says that the customer {face.answer.text}. The model's answer: {face.model_answer.text}."
    if face.answer.uncertain:
        return f"The estimate is {face.answer.text}."
    return f"The customer {face.answer.text}, confidence {face.percent} percent."
