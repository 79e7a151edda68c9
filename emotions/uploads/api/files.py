"""Serve photos and faces as files to other systems."""

from __future__ import annotations

import uuid
from typing import Any

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from crm.api.views import ApiMixin
from crm.models import Scope
from emotions.answers import media as faces
from emotions.answers.models import EmotionRecord
from emotions.snapshots import media
from emotions.snapshots.models import Snapshot

NOT_AGAIN = {304: None}


class FileView(ApiMixin, APIView):
    """Send files in their own type, whichever type the client prefers."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        return super().perform_content_negotiation(request, force=True)


class PhotoFileView(FileView):
    read_scope, write_scope = Scope.SNAPSHOTS_READ, Scope.SNAPSHOTS_WRITE

    def snapshot(self, public_id: uuid.UUID) -> Snapshot:
        return get_object_or_404(Snapshot.objects.visible_to(self.user).exclude(file=""), uuid=public_id)


class OriginalView(PhotoFileView):
    @extend_schema(
        operation_id="snapshots_photo",
        responses={
            (200, "image/*"): OpenApiTypes.BINARY,
            302: OpenApiResponse(
                description="To a link to the photo, valid for a minute: where photos are in a bucket."
            ),
            **NOT_AGAIN,
        },
    )
    def get(self, request: Request, id: uuid.UUID) -> HttpResponseBase:
        """Return the photo as it was sent, without its metadata."""
        return media.original_of(request._request, self.snapshot(id))


class PreviewView(PhotoFileView):
    @extend_schema(operation_id="snapshots_preview", responses={(200, "image/jpeg"): OpenApiTypes.BINARY, **NOT_AGAIN})
    def get(self, request: Request, id: uuid.UUID) -> HttpResponseBase:
        """Return the photo as an upright JPEG without metadata, with a long side of at most 1280 pixels."""
        return media.preview_of(request._request, self.snapshot(id))


class FaceView(FileView):
    read_scope, write_scope = Scope.RESULTS_READ, Scope.RESULTS_WRITE

    @extend_schema(operation_id="records_face", responses={(200, "image/png"): OpenApiTypes.BINARY, **NOT_AGAIN})
    def get(self, request: Request, id: uuid.UUID) -> HttpResponseBase:
        """Return the transformed face, pixel for pixel as the network saw it."""
        records = EmotionRecord.objects.visible_to(self.user).only("uuid", "face_png")
        return faces.face_of(request._request, get_object_or_404(records, uuid=id))
