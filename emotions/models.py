"""List the models of emotions for Django, and for code outside this app."""

from emotions.answers.models import SCORE_FIELDS, CannotTell, EmotionCorrection, EmotionRecord
from emotions.model_versions.models import ModelActivation, ModelVersion
from emotions.reanalyses.models import Reanalysis
from emotions.sentiment.models import SentimentPoint
from emotions.snapshots.models import Snapshot

__all__ = [
    "SCORE_FIELDS",
    "CannotTell",
    "EmotionCorrection",
    "EmotionRecord",
    "ModelActivation",
    "ModelVersion",
    "Reanalysis",
    "SentimentPoint",
    "Snapshot",
]
