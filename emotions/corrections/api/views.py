"""Serve records and corrections to other systems, and let people correct through them."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import ReadOnlyModelViewSet

from crm.api.etags import EtagMixin
from crm.api.problems import Conflict
from crm.api.views import ApiMixin
from crm.models import Scope
from emotions.answers.api import serializers as records
from emotions.answers.api.serializers import EmotionRecordFilter, EmotionRecordSerializer
from emotions.answers.models import EmotionCorrection, EmotionRecord
from emotions.corrections import services as people
from emotions.corrections.api import serializers as corrections
from emotions.corrections.api.serializers import CorrectionFilter, CorrectionSerializer, NewCorrectionSerializer
from ml.labels import Emotion


class Superseded(Conflict):
    default_code = "superseded"
    default_detail = "The records of another model count for this snapshot now. Read them and repeat the change."


class EmotionRecordViewSet(ApiMixin, EtagMixin, ReadOnlyModelViewSet[EmotionRecord]):
    """Serve what the models saw in faces, with one record for each face and model version."""

    read_scope, write_scope = Scope.RESULTS_READ, Scope.RESULTS_WRITE
    queryset = EmotionRecord.objects.none()  # only the schema uses it
    serializer_class = EmotionRecordSerializer
    filterset_class = EmotionRecordFilter
    ordering_fields = ("created_at", "captured_at", "changed_at")

    def get_queryset(self) -> QuerySet[EmotionRecord]:
        return records.for_representation(EmotionRecord.objects.visible_to(self.user))

    @extend_schema(
        request=NewCorrectionSerializer,
        responses={200: CorrectionSerializer, 201: CorrectionSerializer},
    )
    @action(["post"], detail=True, url_path="corrections", serializer_class=NewCorrectionSerializer)
    def correct(self, request: Request, id: uuid.UUID) -> Response:
        """Save which emotion a person sees in the face. It replaces the answer of every model version.

        Returns 200 if the same person's same correction already stands.
        """
        record = self._current_record()
        body = self.get_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        people.correct(record, Emotion(body.validated_data["emotion"]), self.user)
        made = get_object_or_404(
            corrections.for_representation(EmotionCorrection.objects.visible_to(self.user)),
            pk=EmotionRecord.objects.values_list("correction", flat=True).get(pk=record.pk),
        )
        representation = CorrectionSerializer(made, context=self.get_serializer_context()).data
        if made.pk == record.correction_id:
            return Response(representation)
        location = reverse("api-emotions:correction-detail", [made.uuid], request=request)
        return Response(representation, status=status.HTTP_201_CREATED, headers={"Location": location})

    @extend_schema(request=None, responses={204: None})
    @action(["delete"], detail=True, url_path="correction")
    def take_back(self, request: Request, id: uuid.UUID) -> Response:
        """Let the model's answer stand again. Earlier corrections stay in the history."""
        people.take_back(self._current_record(), self.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=EmotionRecordSerializer)
    @action(["post"], detail=True)
    def subject(self, request: Request, id: uuid.UUID) -> Response:
        """Make this face, and no other in its photo, the customer."""
        people.choose_subject(self._current_record())
        return Response(self.get_serializer(self.get_object()).data)

    def _current_record(self) -> Any:
        record: Any = self.get_object()
        if not record.is_current:
            raise Superseded
        return record


class CorrectionViewSet(ApiMixin, EtagMixin, ReadOnlyModelViewSet[EmotionCorrection]):
    """Serve the corrections of faces, newest first."""

    read_scope, write_scope = Scope.RESULTS_READ, Scope.RESULTS_WRITE
    queryset = EmotionCorrection.objects.none()  # only the schema uses it
    serializer_class = CorrectionSerializer
    filterset_class = CorrectionFilter
    ordering_fields = ("created_at",)

    def get_queryset(self) -> QuerySet[EmotionCorrection]:
        return corrections.for_representation(EmotionCorrection.objects.visible_to(self.user))
