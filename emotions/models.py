"""List the models of emotions, for Django and for those who use them."""

from emotions.answers.models import SCORE_FIELDS, EmotionRecord, ModelVersion
from emotions.corrections.models import EmotionCorrection
from emotions.model_versions.models import ModelActivation
from emotions.reanalyses.models import Reanalysis, Turn
from emotions.review.models import CannotTell
from emotions.sentiment.models import SentimentPoint
from emotions.snapshots.models import Claim, Snapshot

__all__ = [
    "SCORE_FIELDS",
    "CannotTell",
    "Claim",
    "EmotionCorrection",
    "EmotionRecord",
    "ModelActivation",
    "ModelVersion",
    "Reanalysis",
    "SentimentPoint",
    "Snapshot",
    "Turn",
]
