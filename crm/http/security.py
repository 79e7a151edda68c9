"""Tell browsers what to refuse and what to forget."""

from collections.abc import Callable

from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest, HttpResponse

from crm.api.problems import API_PATH

# Nothing from another host, no inline script, no frame. Alpine, which draws the admin's menus, evaluates
# expressions in attributes and so needs 'unsafe-eval'; it and Unfold write inline styles.
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
    """Add the policy to every answer that has none of its own. A middleware."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        return response

    return middleware


def keep_nothing(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Let no cache keep the API's answers, and have browsers forget photos and pages at a logout. A middleware."""

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
