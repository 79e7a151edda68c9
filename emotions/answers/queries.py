"""What a record says: the one place that decides between a model's answer, its doubt, and what a person saw."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, F, FloatField, Q, Value, When

from emotions.answers.models import EmotionRecord
from ml.labels import VALENCE, Emotion

CANDIDATES_NAMED = 2  # of an uncertain answer

# How a face with this dominant emotion appears.
ADJECTIVES: dict[Emotion, str] = {
    Emotion.ANGRY: "angry",
    Emotion.DISGUST: "disgusted",
    Emotion.FEAR: "afraid",
    Emotion.HAPPY: "happy",
    Emotion.SAD: "sad",
    Emotion.SURPRISE: "surprised",
    Emotion.NEUTRAL: "neutral",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said of one face."""

    emotion: Emotion | None  # None: the model is uncertain, and nobody has said anything
    valence: float  # -1..1
    perhaps: str = ""  # of an uncertain answer: the most likely emotions with their scores
    by_person: bool = False

    @property
    def uncertain(self) -> bool:
        return self.emotion is None

    @property
    def text(self) -> str:
        """To follow "the face": "appears sad" or "is uncertain"; never what somebody feels."""
        return f"appears {ADJECTIVES[self.emotion]}" if self.emotion else f"uncertain, {self.perhaps}"


def answer(record: EmotionRecord) -> Answer:
    """What stands for this face: what a person said, or else the model's answer.

    Somebody who says "sad" gives no scores, so the valence is that of the emotion alone.
    """
    if record.correction is None:
        return model_answer(record)
    said = Emotion(record.correction.emotion)
    return Answer(said, VALENCE[said], by_person=True)


def model_answer(record: EmotionRecord) -> Answer:
    """What the model says, which is nothing for certain below the confidence that its card asks for."""
    if record.confidence >= record.model_version.uncertain_below:
        return Answer(Emotion(record.dominant_emotion), record.valence)
    likeliest = sorted(record.scores.items(), key=lambda each: -each[1])[:CANDIDATES_NAMED]
    named = " or ".join(f"{ADJECTIVES[emotion]} {score:.0%}" for emotion, score in likeliest)
    return Answer(None, record.valence, f"perhaps {named}")


def stands_as(emotion: Emotion | None) -> Q:
    """Records for which this stands, as `answer` says; None: uncertain."""
    certain = Q(confidence__gte=F("model_version__uncertain_below"))
    if emotion is None:
        return Q(correction=None) & ~certain
    return Q(correction__emotion=emotion) | Q(correction=None, dominant_emotion=emotion) & certain


def standing_valence() -> Case:
    """Of records, as `answer` gives it; for queries."""
    said = (When(correction__emotion=emotion.value, then=Value(valence)) for emotion, valence in VALENCE.items())
    return Case(*said, default=F("valence"), output_field=FloatField())
