"""Tell browsers what to refuse and what to forget."""

from collections.abc import Callable

from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest, HttpResponse

from crm.api.problems import API_PATH

# The policy forbids content of other hosts, inline scripts and frames. Alpine draws the admin's menus; it evaluates
# expressions in attributes, so it needs 'unsafe-eval'. Alpine and Unfold both write inline styles.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


def content_security_policy(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Return middleware that adds the policy to every response without its own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        return response

    return middleware


def keep_nothing(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Return middleware that keeps the API's responses out of caches, and clears the browser's cache at a logout."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path.startswith(API_PATH):
            response.headers["Cache-Control"] = "no-store"
        if getattr(request, "was_logged_out", False):
            response.headers["Clear-Site-Data"] = '"cache"'
        return response

    return middleware


def note_logout(request: HttpRequest, **kwargs: object) -> None:
    request.was_logged_out = True  # type: ignore[attr-defined]


user_logged_out.connect(note_logout)
