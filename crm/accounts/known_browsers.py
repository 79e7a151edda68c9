"""Remember in a cookie that this browser has logged in to an account, as OWASP's "device cookies" do."""

from datetime import timedelta
from uuid import uuid4

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "known_browser"
SALT = "crm.accounts.known_browsers"
REMEMBERED = timedelta(days=90)


def id_of_known_browser(request: HttpRequest, username: str) -> str | None:
    """Return the browser's ID if it has logged in to this account before, otherwise None."""
    try:
        cookie = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=REMEMBERED)
    except signing.BadSignature:
        return None
    return str(cookie["browser"]) if cookie["username"] == username else None


def remember_browser(response: HttpResponse, username: str) -> None:
    """Set the cookie after a login to this account."""
    response.set_cookie(
        COOKIE,
        signing.dumps({"username": username, "browser": uuid4().hex}, salt=SALT),
        max_age=REMEMBERED,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
