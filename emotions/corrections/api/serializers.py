"""Represent corrections in the API. Their history is only ever added to; the newest correction of a face stands."""

from __future__ import annotations

import django_filters
from django.db.models import F, QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.api.fields import StaffField
from crm.api.filters import OfCustomer, TimeFilter
from crm.api.serializers import StrictModelSerializer, StrictSerializer
from emotions.answers.api.filters import EMOTION_CHOICES
from emotions.answers.models import EmotionCorrection, EmotionCorrectionQuerySet

TAKEN_BACK = "taken_back"


def for_representation(corrections: EmotionCorrectionQuerySet) -> QuerySet[EmotionCorrection]:
    """Fetch all that a correction's representation needs, with one query."""
    return corrections.select_related("corrected_by").annotate(
        record_uuid=F("record__uuid"),
        snapshot_uuid=F("record__snapshot__uuid"),
        customer_uuid=F("record__snapshot__customer__uuid"),
    )


class NewCorrectionSerializer(StrictSerializer):
    emotion = serializers.ChoiceField(EMOTION_CHOICES, help_text="What the person saw in the face.")


class CorrectionSerializer(StrictModelSerializer):
    record = serializers.UUIDField(
        source="record_uuid", read_only=True, help_text="The record that the person looked at."
    )
    snapshot = serializers.UUIDField(source="snapshot_uuid", read_only=True)
    customer = serializers.UUIDField(source="customer_uuid", read_only=True)
    emotion = serializers.SerializerMethodField(
        help_text="Null: the person took back what was said, and the model's answer stands again."
    )
    corrected_by = StaffField(read_only=True, allow_null=True, help_text="Username of the member of staff.")

    class Meta:
        model = EmotionCorrection
        fields = ("id", "record", "snapshot", "customer", "emotion", "corrected_by", "created_at")
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(EMOTION_CHOICES, allow_null=True))
    def get_emotion(self, correction: EmotionCorrection) -> str | None:
        return correction.emotion or None


class CorrectionFilter(OfCustomer):
    customer_path = "record__snapshot__customer"
    record = django_filters.UUIDFilter("record__uuid")
    snapshot = django_filters.UUIDFilter("record__snapshot__uuid")
    emotion = django_filters.ChoiceFilter(
        choices=[*EMOTION_CHOICES, (TAKEN_BACK, TAKEN_BACK)],
        method="by_emotion",
        help_text=f"What was said; `{TAKEN_BACK}`: nothing any more.",
    )
    corrected_by = django_filters.CharFilter("corrected_by__username", help_text="Username.")
    created_after = TimeFilter("created_at", "gte")
    created_before = TimeFilter("created_at", "lt")

    class Meta:
        model = EmotionCorrection
        fields = ()

    def by_emotion(
        self, corrections: QuerySet[EmotionCorrection], name: str, value: str
    ) -> QuerySet[EmotionCorrection]:
        return corrections.filter(emotion="" if value == TAKEN_BACK else value)
