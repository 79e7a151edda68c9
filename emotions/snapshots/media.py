"""Serve photos to people who may see the customer, on pages and through the API alike."""

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

# A browser must ask each time before it shows its copy, and gets 304 only while somebody is logged in.
PRIVATE = {"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"}


def preview(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    return preview_of(request, _with_file(request, public_id))


def original(request: StaffRequest, public_id: uuid.UUID) -> HttpResponseBase:
    return original_of(request, _with_file(request, public_id))


def preview_of(request: HttpRequest, snapshot: Snapshot) -> HttpResponseBase:
    """Return the photo as an upright JPEG without metadata. Raises Http404 if there is no photo."""

    def render() -> HttpResponseBase:
        try:
            with snapshot.file.open("rb") as file:
                return HttpResponse(render_preview(file.read()), content_type="image/jpeg")
        except DecoderUnavailable as error:
            return _unavailable(str(error))
        except ConnectionError:
            return _unavailable("The photo storage cannot be reached. Try again later, or tell your administrator.")
        except (OSError, ValueError, InvalidImage) as error:
            raise Http404 from error

    return unless_unchanged(request, snapshot.sha256, render)


def original_of(request: HttpRequest, snapshot: Snapshot) -> HttpResponseBase:
    """Return the file as it was added, without metadata, as a download. Raises Http404 if there is no photo."""
    name = f"{snapshot.uuid}{PurePath(snapshot.file.name or '').suffix}"
    if link := getattr(snapshot.file.storage, "link", None):
        return _redirect_to_bucket(link(snapshot.file.name, name, guess_type(name)[0] or "application/octet-stream"))

    def open_file() -> HttpResponseBase:
        try:
            answer = FileResponse(snapshot.file.open("rb"), as_attachment=True, filename=name)
            return _send_by_proxy(answer, snapshot) if settings.X_ACCEL_PREFIX else answer
        except (OSError, ValueError) as error:
            raise Http404 from error

    return unless_unchanged(request, snapshot.sha256, open_file)


def _redirect_to_bucket(link: str) -> HttpResponseBase:
    """Redirect to a link for this request only, so that the permission is checked at each request."""
    return HttpResponseRedirect(link, headers={"Cache-Control": "private, no-store"})


def _unavailable(text: str) -> HttpResponseBase:
    return HttpResponse(text, status=503, content_type="text/plain", headers={"Retry-After": "30"})


def _send_by_proxy(answer: FileResponse, snapshot: Snapshot) -> HttpResponse:
    """Let nginx send the file: it replaces the body of this answer by the file that the header names."""
    snapshot.file.close()  # closing the answer itself would end the request
    redirect = {"X-Accel-Redirect": settings.X_ACCEL_PREFIX + quote(snapshot.file.name or "")}
    kept = {name: answer.headers[name] for name in ("Content-Type", "Content-Disposition")}
    return HttpResponse(headers=redirect | kept)


def unless_unchanged(request: HttpRequest, tag: str, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Return 304 if the browser has the file, which never changes, and the answer otherwise.

    No file is read for a 304.
    """
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
