"""Represent snapshots in the API: photos of interactions, and the state of their analysis."""

from __future__ import annotations

from typing import Any, cast

import django_filters
from django.db.models import F, Prefetch, QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request

from crm.api.fields import UtcDateTimeField
from crm.api.filters import OfCustomer, TimeFilter
from crm.api.permissions import require_scope
from crm.api.serializers import StrictModelSerializer, StrictSerializer
from crm.models import Scope
from emotions.answers.api import serializers as records
from emotions.answers.api.filters import ANSWER_CHOICES, ANSWER_HELP, emotion_of
from emotions.answers.api.serializers import EmotionRecordSerializer, ModelSerializer
from emotions.answers.models import EmotionRecord
from emotions.snapshots.models import OF_THE_QUEUE, Snapshot, SnapshotQuerySet


def with_references(snapshots: SnapshotQuerySet) -> QuerySet[Snapshot]:
    """Fetch the IDs of interaction and customer, and the model, with one query."""
    names = {"interaction_uuid": F("interaction__uuid"), "customer_uuid": F("customer__uuid")}
    return snapshots.defer(*OF_THE_QUEUE).select_related("model_version").annotate(**names)


def current_records() -> Prefetch[Any]:
    """Fetch the records that count, which a snapshot's representation needs, with three queries."""
    current = records.with_answers(EmotionRecord.objects.current()).order_by("face_index")
    return Prefetch("records", queryset=current, to_attr="current_records")


def for_representation(snapshots: SnapshotQuerySet) -> QuerySet[Snapshot]:
    """Fetch all that a snapshot's representation needs, with four queries."""
    return with_references(snapshots).prefetch_related(current_records())


EXAMPLE = {
    "id": "0b6f2a7e-2f0d-4c58-8f43-8a1f6e0c9d22",
    "interaction": "b1f7c9d0-5e3a-4b8e-9d25-7c4f0e6a8b44",
    "customer": "d3b9a8f4-7c61-4e55-b0a9-5f2c1e7a6b33",
    "status": "analysed",
    "error": "",
    "captured_at": "2026-11-23T14:25:00Z",
    "width": 4320,
    "height": 3240,
    "original_name": "IMG_0001.JPG",
    "sha256": "9f2b6c1d" * 8,
    "faces": 1,
    "model": records.EXAMPLE["model"],
    "result": records.EXAMPLE,
    "created_at": "2026-11-23T14:25:00Z",
    "finished_at": "2026-11-23T14:25:01Z",
    "changed_at": records.EXAMPLE["changed_at"],
}


@extend_schema_serializer(examples=[OpenApiExample("Analysed", EXAMPLE, response_only=True)])
class SnapshotSerializer(StrictModelSerializer):
    interaction = serializers.UUIDField(source="interaction_uuid", read_only=True)
    customer = serializers.UUIDField(source="customer_uuid", read_only=True)
    status = serializers.ChoiceField(
        Snapshot.Status.choices,
        read_only=True,
        help_text="The last four are final. `withheld`: the customer does not agree (any more), the photo is deleted.",
    )
    width = serializers.IntegerField(read_only=True, help_text="Pixels of the upright photo.")
    height = serializers.IntegerField(read_only=True, help_text="Pixels of the upright photo.")
    faces = serializers.SerializerMethodField(help_text="How many faces the model found; 0 until it is done.")
    model = ModelSerializer(
        source="model_version", read_only=True, allow_null=True, help_text="The model whose records count."
    )
    result = EmotionRecordSerializer(
        read_only=True,
        allow_null=True,
        help_text="The record of the customer's face; null where there is none (yet),"
        " and for keys without the scope `results:read`.",
    )
    finished_at = UtcDateTimeField(read_only=True, allow_null=True)
    changed_at = UtcDateTimeField(
        read_only=True,
        help_text="When anything here last changed: the status, the result, which face is the customer.",
    )

    class Meta:
        model = Snapshot
        fields = (
            "id",
            "interaction",
            "customer",
            "status",
            "error",
            "captured_at",
            "width",
            "height",
            "original_name",
            "sha256",
            "faces",
            "model",
            "result",
            "created_at",
            "finished_at",
            "changed_at",
        )
        read_only_fields = fields

    def get_faces(self, snapshot: Any) -> int:
        return len(snapshot.current_records)


class SnapshotsSerializer(StrictSerializer):
    """List several snapshots, in the order of the uploaded photos."""

    results = SnapshotSerializer(many=True)


class SnapshotFilter(OfCustomer):
    customer_path = "customer"
    status = django_filters.ChoiceFilter(choices=Snapshot.Status.choices)
    interaction = django_filters.UUIDFilter("interaction__uuid", help_text="The interaction's ID.")
    emotion = django_filters.ChoiceFilter(
        choices=ANSWER_CHOICES,
        method="by_answer",
        help_text=f"Of the customer's face. {ANSWER_HELP} Needs the scope `results:read`.",
    )
    captured_after = TimeFilter("captured_at", "gte")
    captured_before = TimeFilter("captured_at", "lt")
    created_after = TimeFilter("created_at", "gte")
    created_before = TimeFilter("created_at", "lt")
    finished_since = TimeFilter("finished_at", "gte")
    finished_before = TimeFilter("finished_at", "lt")
    changed_since = TimeFilter("changed_at", "gte")
    changed_before = TimeFilter("changed_at", "lt")

    class Meta:
        model = Snapshot
        fields = ()

    def by_answer(self, snapshots: QuerySet[Snapshot], name: str, value: str) -> QuerySet[Snapshot]:
        require_scope(cast(Request, self.request), Scope.RESULTS_READ)
        return snapshots.filter(sentiment_point__emotion=emotion_of(value) or "")
