"""The seven expression classes and their valence."""

from enum import StrEnum


class Emotion(StrEnum):
    """FER-2013's classes, in the order of its labels 0..6 (Goodfellow et al. 2013, arXiv 1307.0414)."""

    ANGRY = "angry"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPY = "happy"
    SAD = "sad"
    SURPRISE = "surprise"
    NEUTRAL = "neutral"


EMOTIONS: tuple[Emotion, ...] = tuple(Emotion)

# Pleasure ratings, -1..1, of the terms angry, disgusted, fearful, happy, sad and surprised from
# Russell and Mehrabian (1977), "Evidence for a three-factor theory of emotions", Journal of Research
# in Personality 11, 273-294. Neutral is the origin of their scale.
VALENCE: dict[Emotion, float] = {
    Emotion.ANGRY: -0.51,
    Emotion.DISGUST: -0.60,
    Emotion.FEAR: -0.64,
    Emotion.HAPPY: 0.81,
    Emotion.SAD: -0.63,
    Emotion.SURPRISE: 0.40,
    Emotion.NEUTRAL: 0.0,
}
