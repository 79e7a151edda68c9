"""Filter lists of the API by emotion and valence."""

from typing import Any

import django_filters
from drf_spectacular.drainage import set_override

from ml.labels import EMOTIONS, Emotion

UNCERTAIN = "uncertain"
TRUE, FALSE, ANY = "true", "false", "any"
EMOTION_CHOICES = [(emotion.value, emotion.value) for emotion in EMOTIONS]
ANSWER_CHOICES = [*EMOTION_CHOICES, (UNCERTAIN, UNCERTAIN)]
ANSWER_HELP = "What stands: what a person said, or else the model's answer."


class RangeFilter(django_filters.NumberFilter):
    """Filter by a bound between two numbers. The schema names both numbers."""

    def __init__(self, *args: Any, lowest: int, highest: int = 1, **kwargs: Any) -> None:
        super().__init__(*args, min_value=lowest, max_value=highest, **kwargs)
        set_override(self, "field", {"type": "number", "minimum": lowest, "maximum": highest})


class TrueFalseAnyFilter(django_filters.ChoiceFilter):
    """Filter by `true`, `false` or `any`. The filter set chooses the default."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, choices=[(each, each) for each in (TRUE, FALSE, ANY)], **kwargs)


def emotion_of(value: str) -> Emotion | None:
    """Return the emotion of a filter's choice; None for uncertain."""
    return None if value == UNCERTAIN else Emotion(value)
