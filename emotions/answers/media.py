"""Serve the transformed faces of photos to pages and to the API."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404

from emotions.access import StaffRequest
from emotions.answers.models import EmotionRecord
from emotions.snapshots.media import unless_unchanged


def face(request: StaffRequest, public_id: uuid.UUID, record_id: int) -> HttpResponseBase:
    records = EmotionRecord.objects.visible_to(request.user).filter(snapshot__uuid=public_id)
    return face_of(request, get_object_or_404(records.only("uuid", "face_png"), pk=record_id))


def face_of(request: HttpRequest, record: EmotionRecord) -> HttpResponseBase:
    """Return the transformed face, pixel for pixel as the network saw it."""
    return unless_unchanged(
        request, str(record.uuid), lambda: HttpResponse(bytes(record.face_png), content_type="image/png")
    )
