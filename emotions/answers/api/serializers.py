"""Represent emotion records in the API: the model's scores for one face, and the answer that stands."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import BooleanField, Case, F, Prefetch, Q, QuerySet, Value, When
from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from crm.api.fields import StaffField, UtcDateTimeField
from crm.api.filters import FlagFilter, OfCustomer, TimeFilter
from crm.api.permissions import grants
from crm.api.serializers import StrictModelSerializer, StrictSerializer
from crm.models import Scope
from emotions.answers.api.filters import (
    ANSWER_CHOICES,
    ANSWER_HELP,
    ANY,
    EMOTION_CHOICES,
    TRUE,
    UNCERTAIN,
    RangeFilter,
    TrueFalseAnyFilter,
    emotion_of,
)
from emotions.answers.models import EmotionCorrection, EmotionRecord, EmotionRecordQuerySet
from emotions.answers.queries import answer, standing_valence, stands_as
from emotions.model_versions.models import ModelVersion
from ml.labels import Emotion
from ml.types import BoundingBox


def with_answers(records: EmotionRecordQuerySet) -> EmotionRecordQuerySet:
    """Fetch the answers that stand for the faces, with three queries.

    PostgreSQL takes longer to plan one query with all the joins than to answer all three.
    """
    corrections = EmotionCorrection.objects.select_related("corrected_by")
    return records.defer("face_png", "landmarks").prefetch_related("model_version", Prefetch("correction", corrections))


def for_representation(records: EmotionRecordQuerySet) -> EmotionRecordQuerySet:
    """Fetch all that a record's representation needs, with three queries."""
    return with_answers(records).annotate(
        snapshot_uuid=F("snapshot__uuid"),
        customer_uuid=F("snapshot__customer__uuid"),
        captured_at=F("snapshot__captured_at"),
        changed_at=F("snapshot__changed_at"),
        is_current=Case(
            When(model_version=F("snapshot__model_version"), then=Value(True)),
            default=Value(False),
            output_field=BooleanField(),
        ),
    )


class ScoresSerializer(StrictSerializer):
    """Give the seven scores, each 0..1, with a sum of 1."""

    angry = serializers.FloatField(min_value=0, max_value=1)
    disgust = serializers.FloatField(min_value=0, max_value=1)
    fear = serializers.FloatField(min_value=0, max_value=1)
    happy = serializers.FloatField(min_value=0, max_value=1)
    sad = serializers.FloatField(min_value=0, max_value=1)
    surprise = serializers.FloatField(min_value=0, max_value=1)
    neutral = serializers.FloatField(min_value=0, max_value=1)

    def to_representation(self, instance: dict[Emotion, float]) -> dict[str, float]:
        return {
            emotion.value: score for emotion, score in instance.items()
        }  # the usual way, field by field, takes five times as long


class BoxSerializer(StrictSerializer):
    """Locate a face, in pixels of the upright photo."""

    x = serializers.IntegerField(help_text="From the left.")
    y = serializers.IntegerField(help_text="From the top.")
    width = serializers.IntegerField()
    height = serializers.IntegerField()

    def to_representation(self, instance: BoundingBox) -> dict[str, int]:
        return {"x": instance.x, "y": instance.y, "width": instance.width, "height": instance.height}


class ModelSerializer(StrictSerializer):
    """Name a released model."""

    name = serializers.CharField()
    version = serializers.CharField()

    def to_representation(self, instance: ModelVersion) -> dict[str, str]:
        return {"name": instance.name, "version": instance.version}


class StandingCorrectionSerializer(StrictSerializer):
    """Describe the correction that stands for a face."""

    emotion = serializers.ChoiceField(EMOTION_CHOICES)
    corrected_by = StaffField(read_only=True, allow_null=True, help_text="Username of the member of staff.")
    corrected_at = UtcDateTimeField(source="created_at")


EXAMPLE = {
    "id": "6f0e5a52-6a7b-4b0b-9a3c-0a5e7f6d1c11",
    "snapshot": "0b6f2a7e-2f0d-4c58-8f43-8a1f6e0c9d22",
    "customer": "d3b9a8f4-7c61-4e55-b0a9-5f2c1e7a6b33",
    "captured_at": "2026-11-23T14:25:00Z",
    "emotion": "sad",
    "valence": -0.63,
    "dominant_emotion": "neutral",
    "confidence": 0.55,
    "scores": {
        "angry": 0.03,
        "disgust": 0.01,
        "fear": 0.04,
        "happy": 0.02,
        "sad": 0.31,
        "surprise": 0.04,
        "neutral": 0.55,
    },
    "box": {"x": 51, "y": 58, "width": 90, "height": 118},
    "detection_confidence": 0.9998,
    "is_subject": True,
    "is_current": True,
    "model": {"name": "residual-int8", "version": "0.4.0"},
    "correction": {"emotion": "sad", "corrected_by": "amira", "corrected_at": "2026-11-23T15:02:10Z"},
    "created_at": "2026-11-23T14:25:01Z",
    "changed_at": "2026-11-23T15:02:10Z",
}


@extend_schema_serializer(examples=[OpenApiExample("A face that a person corrected", EXAMPLE, response_only=True)])
class EmotionRecordSerializer(StrictModelSerializer):
    snapshot = serializers.UUIDField(source="snapshot_uuid", read_only=True)
    customer = serializers.UUIDField(source="customer_uuid", read_only=True)
    captured_at = UtcDateTimeField(read_only=True, help_text="When the photo was taken.")
    emotion = serializers.SerializerMethodField(
        help_text=f"{ANSWER_HELP} The face appears so; who feels so is unknown."
    )
    valence = serializers.SerializerMethodField(
        help_text="-1..1, from unpleasant to pleasant, of what stands: of the seven scores,"
        " or of the emotion that a person named."
    )
    dominant_emotion = serializers.ChoiceField(EMOTION_CHOICES, read_only=True, help_text="The model's highest score.")
    confidence = serializers.FloatField(read_only=True, help_text="0..1, the score of the dominant emotion.")
    scores = ScoresSerializer(read_only=True)
    box = BoxSerializer(read_only=True)
    detection_confidence = serializers.FloatField(read_only=True, help_text="0..1, that this is a face.")
    is_subject = serializers.BooleanField(read_only=True, help_text="Whether this face is the customer.")
    is_current = serializers.BooleanField(
        read_only=True, help_text="Whether the records of this model count for the snapshot; else they are history."
    )
    model = ModelSerializer(source="model_version", read_only=True)
    correction = StandingCorrectionSerializer(read_only=True, allow_null=True)
    changed_at = UtcDateTimeField(
        read_only=True, help_text="When anything last changed that is shown of the photo, with its faces."
    )

    class Meta:
        model = EmotionRecord
        fields = (
            "id",
            "snapshot",
            "customer",
            "captured_at",
            "emotion",
            "valence",
            "dominant_emotion",
            "confidence",
            "scores",
            "box",
            "detection_confidence",
            "is_subject",
            "is_current",
            "model",
            "correction",
            "created_at",
            "changed_at",
        )

    def get_attribute(self, instance: Any) -> EmotionRecord | None:
        """Return the customer's face of the snapshot; None if there is none, or the key may not read results."""
        if not grants(self.context["request"], Scope.RESULTS_READ):
            return None
        subject: EmotionRecord | None = next((each for each in instance.current_records if each.is_subject), None)
        if subject:  # these are the fields that `for_representation` annotates
            vars(subject).update(
                snapshot_uuid=instance.uuid,
                customer_uuid=instance.customer_uuid,
                captured_at=instance.captured_at,
                changed_at=instance.changed_at,
                is_current=True,
            )
        return subject

    @extend_schema_field(serializers.ChoiceField(ANSWER_CHOICES))
    def get_emotion(self, record: EmotionRecord) -> str:
        return answer(record).emotion or UNCERTAIN

    @extend_schema_field(serializers.FloatField(min_value=-1, max_value=1))
    def get_valence(self, record: EmotionRecord) -> float:
        return answer(record).valence


class EmotionRecordFilter(OfCustomer):
    customer_path = "snapshot__customer"
    snapshot = django_filters.UUIDFilter("snapshot__uuid")
    emotion = django_filters.ChoiceFilter(choices=ANSWER_CHOICES, method="by_answer", help_text=ANSWER_HELP)
    dominant_emotion = django_filters.ChoiceFilter(choices=EMOTION_CHOICES, help_text="The model's highest score.")
    uncertain = FlagFilter(method="by_uncertain", help_text="Same as emotion=uncertain, or its opposite.")
    valence_min = RangeFilter(method="by_valence", lowest=-1)
    valence_max = RangeFilter(method="by_valence", lowest=-1)
    confidence_min = RangeFilter("confidence", "gte", lowest=0)
    confidence_max = RangeFilter("confidence", "lte", lowest=0)
    captured_after = TimeFilter("snapshot__captured_at", "gte")
    captured_before = TimeFilter("snapshot__captured_at", "lt")
    created_after = TimeFilter("created_at", "gte")
    created_before = TimeFilter("created_at", "lt")
    changed_since = TimeFilter("snapshot__changed_at", "gte")
    changed_before = TimeFilter("snapshot__changed_at", "lt")
    model = django_filters.CharFilter(method="by_model", help_text="The model's name.")
    model_version = django_filters.CharFilter(method="by_model", help_text="The model's version.")
    corrected = FlagFilter("correction", "isnull", exclude=True, help_text="Whether what a person said stands.")
    subject = TrueFalseAnyFilter(method="by_subject", help_text="Whether the face is the customer; true unless given.")
    current = TrueFalseAnyFilter(
        method="by_current", help_text="Whether the model's records count for the snapshot; true unless given."
    )

    class Meta:
        model = EmotionRecord
        fields = ()

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        given = data.copy() if data is not None else {}
        given.setdefault("subject", TRUE)
        given.setdefault("current", TRUE)
        super().__init__(given, *args, **kwargs)

    def by_answer(self, records: QuerySet[EmotionRecord], name: str, value: str) -> QuerySet[EmotionRecord]:
        return records.filter(stands_as(emotion_of(value)))

    def by_model(self, records: QuerySet[EmotionRecord], name: str, value: str) -> QuerySet[EmotionRecord]:
        """Filter by primary keys of model versions, because the database knows how many records each of them has."""
        versions = ModelVersion.objects.filter(**{"name" if name == "model" else "version": value})
        return records.filter(model_version__in=list(versions.values_list("pk", flat=True)))

    def by_uncertain(self, records: QuerySet[EmotionRecord], name: str, value: bool) -> QuerySet[EmotionRecord]:
        uncertain = stands_as(None)
        return records.filter(uncertain if value else ~uncertain)

    def by_valence(self, records: QuerySet[EmotionRecord], name: str, value: Any) -> QuerySet[EmotionRecord]:
        bound = "gte" if name == "valence_min" else "lte"
        return records.alias(standing_valence=standing_valence()).filter(**{f"standing_valence__{bound}": value})

    def by_subject(self, records: QuerySet[EmotionRecord], name: str, value: str) -> QuerySet[EmotionRecord]:
        return records if value == ANY else records.filter(is_subject=value == TRUE)

    def by_current(self, records: QuerySet[EmotionRecord], name: str, value: str) -> QuerySet[EmotionRecord]:
        current = Q(model_version=F("snapshot__model_version"))
        return records if value == ANY else records.filter(current if value == TRUE else ~current)
