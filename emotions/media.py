"""Photos and faces, for those who may see the snapshot only."""

from __future__ import annotations

import uuid
from pathlib import PurePath

from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response

from emotions.access import StaffRequest
from emotions.models import EmotionRecord, Snapshot
from emotions.photos import render_preview
from ml.errors import InvalidImage

PRIVATE = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}


def preview(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """The photo as an upright JPEG without metadata, for the page."""
    snapshot = _with_file(request, public_id)
    etag = f'"{snapshot.sha256}"'
    if unchanged := get_conditional_response(request, etag=etag):
        return unchanged
    try:
        with snapshot.file.open("rb") as file:
            jpeg = render_preview(file.read())
    except (OSError, InvalidImage) as error:
        raise Http404 from error
    return HttpResponse(jpeg, content_type="image/jpeg", headers={**PRIVATE, "ETag": etag})


def original(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """The file as it was added, to keep."""
    snapshot = _with_file(request, public_id)
    name = f"{snapshot.uuid}{PurePath(snapshot.file.name or '').suffix}"
    try:
        return FileResponse(snapshot.file.open("rb"), as_attachment=True, filename=name, headers=PRIVATE)
    except OSError as error:
        raise Http404 from error


def face(request: StaffRequest, public_id: uuid.UUID, record_id: int) -> HttpResponseBase:
    """The transformed face, pixel for pixel as the network saw it."""
    records = EmotionRecord.objects.visible_to(request.user).filter(snapshot__uuid=public_id)
    record = get_object_or_404(records.only("face_png"), pk=record_id)
    return HttpResponse(bytes(record.face_png), content_type="image/png", headers=PRIVATE)


def _with_file(request: StaffRequest, public_id: uuid.UUID) -> Snapshot:
    snapshots = Snapshot.objects.visible_to(request.user).exclude(file="")
    return get_object_or_404(snapshots, uuid=public_id)
