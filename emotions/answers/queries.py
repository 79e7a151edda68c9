"""Decide what stands for a face: a person's correction, the model's answer, or "uncertain". Nothing else decides it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, F, FloatField, Q, Value, When

from emotions.answers.models import EmotionRecord
from ml.labels import VALENCE, Emotion

CANDIDATES_NAMED = 2  # how many emotions an uncertain answer names

# The adjective after "appears" for each emotion.
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
    """The answer for one face."""

    emotion: Emotion | None  # None: the model is uncertain, and nobody has corrected it
    valence: float  # -1..1
    perhaps: str = ""  # the most likely emotions with their scores, if the answer is uncertain
    by_person: bool = False

    @property
    def uncertain(self) -> bool:
        return self.emotion is None

    @property
    def text(self) -> str:
        """Return words that follow "the face", such as "appears sad". They never say what somebody feels."""
        return f"appears {ADJECTIVES[self.emotion]}" if self.emotion else f"uncertain, {self.perhaps}"


def answer(record: EmotionRecord) -> Answer:
    """Return the answer that stands for this face: a person's correction, or else the model's answer.

    A correction has no scores, so its valence is that of the emotion alone.
    """
    if record.correction is None:
        return model_answer(record)
    emotion = Emotion(record.correction.emotion)
    return Answer(emotion, VALENCE[emotion], by_person=True)


def model_answer(record: EmotionRecord) -> Answer:
    """Return the model's answer. It is uncertain below the confidence that the model's card demands."""
    if record.confidence >= record.model_version.uncertain_below:
        return Answer(Emotion(record.dominant_emotion), record.valence)
    likeliest = sorted(record.scores.items(), key=lambda each: -each[1])[:CANDIDATES_NAMED]
    candidates = " or ".join(f"{ADJECTIVES[emotion]} {score:.0%}" for emotion, score in likeliest)
    return Answer(None, record.valence, f"perhaps {candidates}")


def stands_as(emotion: Emotion | None) -> Q:
    """Match the records for which `answer` gives this emotion; None matches uncertain ones."""
    certain = Q(confidence__gte=F("model_version__uncertain_below"))
    if emotion is None:
        return Q(correction=None) & ~certain
    return Q(correction__emotion=emotion) | Q(correction=None, dominant_emotion=emotion) & certain


def standing_valence() -> Case:
    """Compute in a query the valence that `answer` gives for a record."""
    corrected = (When(correction__emotion=emotion.value, then=Value(valence)) for emotion, valence in VALENCE.items())
    return Case(*corrected, default=F("valence"), output_field=FloatField())
