from __future__ import annotations

import operator
import uuid
from contextlib import suppress
from functools import reduce

from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.db.models.functions import Abs, Greatest
from django.db.models.lookups import LessThanOrEqual

from crm.models import Customer, User
from emotions.snapshots.models import Snapshot
from ml.labels import EMOTIONS, Emotion
from ml.types import BoundingBox, ModelCard

SCORE_FIELDS = tuple(f"score_{emotion}" for emotion in EMOTIONS)
SUM_OF_SCORES = reduce(operator.add, (F(field) for field in SCORE_FIELDS))
SCORE_SUM_TOLERANCE = 1e-3  # seven float32 softmax outputs add up to 1 within 1e-6; leave room for other models


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def of(self, card: ModelCard) -> ModelVersion:
        """The row that stands for this released model; made when it is needed first.

        A card that was altered, where answers depend on it, is another one.
        """
        weights = {"name": card.name, "version": card.version, "sha256": card.sha256}
        found = self.filter(**weights, fingerprint=card.fingerprint).first()
        if found is None:
            self._adopt(card, **weights)
            found, _ = self.get_or_create(
                **weights, fingerprint=card.fingerprint, defaults={"uncertain_below": card.uncertain_below}
            )
        return found

    def _adopt(self, card: ModelCard, **weights: str) -> None:
        """A row from before there were fingerprints is this model's if its threshold is."""
        earlier = self.filter(**weights, fingerprint="", uncertain_below=card.uncertain_below)
        with suppress(IntegrityError), transaction.atomic():  # somebody else was faster
            earlier.update(fingerprint=card.fingerprint)


class ModelVersion(models.Model):
    """A released model that has produced records or was activated."""

    name = models.CharField(max_length=100)
    version = models.CharField(max_length=50)
    sha256 = models.CharField("SHA-256 of the weights", max_length=64)
    fingerprint = models.CharField(
        "SHA-256 of the weights and of all in the card that answers depend on",
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Empty for one from before it was kept.",
    )
    uncertain_below = models.FloatField(
        default=0.0, help_text="0..1, from the model card: an answer of less confidence counts as uncertain."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        permissions = (("manage_models", "Can activate models and have photos analysed again"),)
        constraints = (
            models.UniqueConstraint(fields=["name", "version", "sha256", "fingerprint"], name="model_version_once"),
            models.CheckConstraint(
                condition=Q(uncertain_below__range=(0, 1)), name="model_version_threshold_between_0_and_1"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def is_described_by(self, card: ModelCard) -> bool:
        mine = (self.name, self.version, self.sha256, self.fingerprint or card.fingerprint)
        return mine == (card.name, card.version, card.sha256, card.fingerprint)


class EmotionRecordQuerySet(models.QuerySet["EmotionRecord"]):
    def visible_to(self, user: User) -> EmotionRecordQuerySet:
        return self.filter(snapshot__customer__in=Customer.objects.visible_to(user))

    def current(self) -> EmotionRecordQuerySet:
        """Those of the model version that counts for their snapshot."""
        return self.filter(model_version=F("snapshot__model_version"))

    def superseded(self) -> EmotionRecordQuerySet:
        """Those of the other model versions, kept as history."""
        return self.exclude(model_version=F("snapshot__model_version"))

    def of_subjects(self) -> EmotionRecordQuerySet:
        """Those of the face that is the customer."""
        return self.filter(is_subject=True)

    def with_answers(self) -> EmotionRecordQuerySet:
        """With all that the answers are made of, and without the pictures."""
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
        """The seven scores by emotion, in FER-2013's order."""
        return {emotion: getattr(self, f"score_{emotion}") for emotion in EMOTIONS}
