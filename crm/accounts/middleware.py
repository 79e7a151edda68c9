"""Answer logins that exceed the limits, and remember browsers that logged in."""

import math
from collections.abc import Callable
from datetime import timedelta

from django.contrib import admin
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from crm.accounts.attempts import TooManyAttempts
from crm.accounts.known_browsers import remember_browser
from crm.accounts.models import User


class LoginLimits:
    """Answer TooManyAttempts with a page, and set the cookie of a browser that logged in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if username := getattr(request, "logged_in_as", ""):
            remember_browser(response, username)
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, TooManyAttempts):
            return None
        context = admin.site.each_context(request) | {
            "title": "Too many passwords were tried",
            "minutes": math.ceil(error.seconds / 60),
            "until": timezone.now() + timedelta(seconds=error.seconds + 60),  # the page shows no seconds
        }
        page = render(request, "crm/accounts/too_many_attempts.html", context, status=429)
        page.headers["Retry-After"] = str(error.seconds)
        page.headers["Cache-Control"] = "no-store"
        return page


def note_login(request: HttpRequest, user: User, **kwargs: object) -> None:
    request.logged_in_as = user.username  # type: ignore[attr-defined]


user_logged_in.connect(note_login)
