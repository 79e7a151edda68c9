from __future__ import annotations

import operator
import uuid
from functools import reduce

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Abs, Greatest
from django.db.models.lookups import LessThanOrEqual
from django.utils import timezone

from crm.models import Customer, User
from emotions.model_versions.models import ModelVersion
from emotions.snapshots.models import Snapshot
from ml.labels import EMOTIONS, Emotion
from ml.types import BoundingBox

SCORE_FIELDS = tuple(f"score_{emotion}" for emotion in EMOTIONS)
SUM_OF_SCORES = reduce(operator.add, (F(field) for field in SCORE_FIELDS))
SCORE_SUM_TOLERANCE = 1e-3  # float32 softmax outputs differ by 1e-6; other models may differ more


class EmotionRecordQuerySet(models.QuerySet["EmotionRecord"]):
    def visible_to(self, user: User) -> EmotionRecordQuerySet:
        return self.filter(snapshot__customer__in=Customer.objects.visible_to(user))

    def current(self) -> EmotionRecordQuerySet:
        """Keep the records by the model version that counts for their snapshot."""
        return self.filter(model_version=F("snapshot__model_version"))

    def superseded(self) -> EmotionRecordQuerySet:
        """Keep the records by other model versions, which are history."""
        return self.exclude(model_version=F("snapshot__model_version"))

    def of_subjects(self) -> EmotionRecordQuerySet:
        """Keep the records of the customer's face."""
        return self.filter(is_subject=True)

    def with_answers(self) -> EmotionRecordQuerySet:
        """Fetch everything that an answer needs, and leave out the pictures."""
        return self.select_related("model_version", "correction__corrected_by").defer("face_png", "landmarks")


class EmotionRecord(models.Model):
    """What one model version saw in one face of a snapshot."""

    uuid = models.UUIDField("public ID", default=uuid.uuid4, unique=True, editable=False)
    snapshot = models.ForeignKey(Snapshot, models.CASCADE, related_name="records")
    model_version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="records")
    face_index = models.PositiveSmallIntegerField(help_text="0 is the largest face of the photo.")
    is_subject = models.BooleanField(help_text="Whether this face is the customer.")

    box_x = models.PositiveIntegerField()
    box_y = models.PositiveIntegerField()
    box_width = models.PositiveIntegerField()
    box_height = models.PositiveIntegerField()
    detection_confidence = models.FloatField(help_text="0..1, that this is a face.")
    landmarks = models.JSONField(help_text="Five points [x, y] in pixels of the upright photo, by name.")

    score_angry = models.FloatField()
    score_disgust = models.FloatField()
    score_fear = models.FloatField()
    score_happy = models.FloatField()
    score_sad = models.FloatField()
    score_surprise = models.FloatField()
    score_neutral = models.FloatField()
    dominant_emotion = models.CharField(max_length=10, choices=[(e.value, e.value) for e in EMOTIONS])
    confidence = models.FloatField(help_text="0..1, the score of the dominant emotion.")
    valence = models.FloatField(help_text="-1..1, from unpleasant to pleasant.")
    face_png = models.BinaryField(help_text="The transformed face as the network saw it, a grey PNG.")
    correction = models.ForeignKey(
        "emotions.EmotionCorrection",
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        help_text="The newest word of a person on this face, unless it was taken back.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EmotionRecordQuerySet.as_manager()

    class Meta:
        ordering = ("face_index",)
        indexes = (
            models.Index(
                fields=["model_version", "confidence", "id"],
                condition=Q(is_subject=True, correction=None),
                name="record_to_review",
            ),
            models.Index(fields=["created_at", "id"], name="record_by_creation"),
            models.Index(fields=["id"], condition=Q(correction__isnull=False), name="record_corrected"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=["snapshot", "model_version", "face_index"], name="record_once_per_face_and_model"
            ),
            models.UniqueConstraint(
                fields=["snapshot", "model_version"],
                condition=Q(is_subject=True),
                name="record_one_subject_per_snapshot_and_model",
            ),
            models.CheckConstraint(condition=Q(box_width__gt=0, box_height__gt=0), name="record_box_not_empty"),
            models.CheckConstraint(
                condition=Q(**{f"{field}__range": (0, 1) for field in (*SCORE_FIELDS, "detection_confidence")}),
                name="record_scores_between_0_and_1",
            ),
            models.CheckConstraint(
                condition=LessThanOrEqual(Abs(SUM_OF_SCORES - 1.0), SCORE_SUM_TOLERANCE), name="record_scores_sum_to_1"
            ),
            models.CheckConstraint(condition=Q(valence__range=(-1, 1)), name="record_valence_between_minus_1_and_1"),
            models.CheckConstraint(
                condition=Q(confidence=Greatest(*SCORE_FIELDS)), name="record_confidence_is_highest_score"
            ),
            models.CheckConstraint(
                condition=reduce(
                    operator.or_, (Q(dominant_emotion=e.value, confidence=F(f"score_{e}")) for e in EMOTIONS)
                ),
                name="record_emotion_has_highest_score",
            ),
        )

    def __str__(self) -> str:
        return f"appears {self.dominant_emotion} ({self.confidence:.0%})"

    @property
    def box(self) -> BoundingBox:
        return BoundingBox(self.box_x, self.box_y, self.box_width, self.box_height)

    @property
    def scores(self) -> dict[Emotion, float]:
        """Return the seven scores by emotion, in FER-2013's order."""
        return {emotion: getattr(self, f"score_{emotion}") for emotion in EMOTIONS}


class EmotionCorrectionQuerySet(models.QuerySet["EmotionCorrection"]):
    def visible_to(self, user: User) -> EmotionCorrectionQuerySet:
        return self.filter(record__snapshot__customer__in=Customer.objects.visible_to(user))


class EmotionCorrection(models.Model):
    """What a person saw in a face, whether or not it agrees with the model. The newest correction of a face stands.

    Rows are only ever added. A correction names the record that the person looked at. Every record of the same face
    names the correction that stands for it (see emotions.corrections.services).
    """

    uuid = models.UUIDField("public ID", default=uuid.uuid4, unique=True, editable=False)
    record = models.ForeignKey(EmotionRecord, models.CASCADE, related_name="corrections")
    emotion = models.CharField(
        max_length=10,
        blank=True,
        choices=[(e.value, e.value) for e in EMOTIONS],
        help_text="Empty: the person took the correction back, and the model's answer stands again.",
    )
    corrected_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EmotionCorrectionQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        indexes = (models.Index(fields=["created_at", "id"], name="correction_by_creation"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(emotion__in=["", *(e.value for e in EMOTIONS)]), name="correction_emotion_known"
            ),
        )

    def __str__(self) -> str:
        return f"{f'appears {self.emotion}' if self.emotion else 'taken back'}, says {self.corrected_by}"


class CannotTell(models.Model):
    """Record that a person looked at a face and cannot tell its emotion.

    This neither corrects nor confirms the model's answer.
    """

    record = models.ForeignKey(EmotionRecord, models.CASCADE, related_name="cannot_tell")
    said_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=["record", "said_by"], name="cannot_tell_once"),)

    def __str__(self) -> str:
        return f"{self.said_by} cannot tell"
