"""Photos and faces, for those who may see the snapshot only: the pages and the API serve the same files."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from mimetypes import guess_type
from pathlib import PurePath
from urllib.parse import quote

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response

from emotions.access import StaffRequest
from emotions.snapshots.models import Snapshot
from emotions.snapshots.photos import render_preview
from ml.errors import DecoderUnavailable, InvalidImage

# A browser that has the file asks each time whether it may show it, and gets 304 only while somebody is logged in.
PRIVATE = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}


def preview(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    return preview_of(request, _with_file(request, public_id))


def original(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    return original_of(request, _with_file(request, public_id))


def preview_of(request: HttpRequest, snapshot: Snapshot) -> HttpResponseBase:
    """The photo as an upright JPEG without metadata. Raises Http404 when there is no photo (any more)."""

    def rendered() -> HttpResponseBase:
        try:
            with snapshot.file.open("rb") as file:
                return HttpResponse(render_preview(file.read()), content_type="image/jpeg")
        except DecoderUnavailable as error:
            return _away(str(error))
        except ConnectionError:
            return _away("The storage of the photos cannot be reached. Try again later, or tell your administrator.")
        except (OSError, ValueError, InvalidImage) as error:
            raise Http404 from error

    return unless_unchanged(request, snapshot.sha256, rendered)


def original_of(request: HttpRequest, snapshot: Snapshot) -> HttpResponseBase:
    """The file as it was added, without metadata, to keep. Raises Http404 when there is no photo (any more)."""
    name = f"{snapshot.uuid}{PurePath(snapshot.file.name or '').suffix}"

    if link := getattr(snapshot.file.storage, "link", None):
        return _to_the_bucket(link(snapshot.file.name, name, guess_type(name)[0] or "application/octet-stream"))

    def opened() -> HttpResponseBase:
        try:
            answer = FileResponse(snapshot.file.open("rb"), as_attachment=True, filename=name)
            return _sent_by_proxy(answer, snapshot) if settings.X_ACCEL_PREFIX else answer
        except (OSError, ValueError) as error:
            raise Http404 from error

    return unless_unchanged(request, snapshot.sha256, opened)


def _to_the_bucket(link: str) -> HttpResponseBase:
    """The link is for this request: whoever asks again is asked for the permission again."""
    return HttpResponseRedirect(link, headers={"Cache-Control": "private, no-store"})


def _away(text: str) -> HttpResponseBase:
    return HttpResponse(text, status=503, content_type="text/plain", headers={"Retry-After": "30"})


def _sent_by_proxy(answer: FileResponse, snapshot: Snapshot) -> HttpResponse:
    """nginx takes this header for the file itself, and for its length."""
    snapshot.file.close()  # the answer's own close() would end the request
    redirect = {"X-Accel-Redirect": settings.X_ACCEL_PREFIX + quote(snapshot.file.name or "")}
    kept = {name: answer.headers[name] for name in ("Content-Type", "Content-Disposition")}
    return HttpResponse(headers=redirect | kept)


def unless_unchanged(request: HttpRequest, tag: str, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """None of these files ever changes: whoever has it is told so, and it is not even read."""
    etag = f'"{tag}"'
    response = get_conditional_response(request, etag=etag) or answer()
    if response.status_code >= 400:
        return response
    for name, value in {**PRIVATE, "ETag": etag}.items():
        response.headers[name] = value
    return response


def _with_file(request: StaffRequest, public_id: uuid.UUID) -> Snapshot:
    snapshots = Snapshot.objects.visible_to(request.user).exclude(file="")
    return get_object_or_404(snapshots, uuid=public_id)
