from emotions.models.activations import ModelActivation
from emotions.models.cannot_tell import CannotTell
from emotions.models.corrections import EmotionCorrection
from emotions.models.reanalyses import Reanalysis, Turn
from emotions.models.records import SCORE_FIELDS, EmotionRecord, ModelVersion
from emotions.models.sentiment_points import SentimentPoint
from emotions.models.snapshot import Claim, Snapshot

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
