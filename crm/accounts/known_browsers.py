"""A cookie that says that this browser has known an account's password, as in OWASP's "device cookies"."""

from datetime import timedelta
from uuid import uuid4

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "known_browser"
SALT = "crm.accounts.known_browsers"
REMEMBERED = timedelta(days=90)


def id_of_known_browser(request: HttpRequest, username: str) -> str | None:
    """Return a name for the browser if it logged in to this account before, else None."""
    try:
        said = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=REMEMBERED)
    except signing.BadSignature:
        return None
    return str(said["browser"]) if said["username"] == username else None


def remember_browser(response: HttpResponse, username: str) -> None:
    """After a login."""
    response.set_cookie(
        COOKIE,
        signing.dumps({"username": username, "browser": uuid4().hex}, salt=SALT),
        max_age=REMEMBERED,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
