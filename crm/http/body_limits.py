"""Limit the bodies that pages accept: small ones from everybody, and photos from staff on the pages for them.

A form that broke off is refused. The API has limits of its own, which it checks after authentication
(crm/api/views.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from crm.api.problems import API_PATH
from crm.workspace.error_pages import broken_off

MAX_FROM_STRANGERS = 64 * 1024  # bytes; a login takes a few hundred
View = TypeVar("View", bound=Callable[..., Any])


def takes_large_bodies(most: int) -> Callable[[View], View]:
    """Decorate a view that accepts forms of up to `most` bytes from members of staff."""

    def mark(view: View) -> View:
        view.max_body_bytes = most  # type: ignore[attr-defined]
        return view

    return mark


class BodyLimits:
    """Refuse a large body by its announced length, before it is read, and refuse an incomplete form.

    Chunked bodies have a length here, because crm/http/bodies.py has read them.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if request.path.startswith(API_PATH):
            return None
        return _refuse_large(request, view) or _refuse_broken_off(request)


def _refuse_large(request: HttpRequest, view: Callable[..., Any]) -> HttpResponse | None:
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length <= MAX_FROM_STRANGERS:
        return None
    most = getattr(view, "max_body_bytes", settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    if request.user.is_active and getattr(request.user, "is_staff", False) and length <= most:
        return None
    return HttpResponse(
        "This is too large to be sent here. Log in, or send less at once.",
        status=413,
        content_type="text/plain; charset=utf-8",
    )


def _refuse_broken_off(request: HttpRequest) -> HttpResponse | None:
    """Answer a form that broke off, before CsrfViewMiddleware takes it for an empty one."""
    try:
        request.POST  # noqa: B018 - this reads the form
    except UnreadablePostError:
        return broken_off(request)
    return None
