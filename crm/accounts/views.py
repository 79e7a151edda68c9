"""Let staff change their own password. Guesses at the old one are limited as logins are."""

from typing import cast

from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse

from crm.accounts.attempts import begin_attempt
from crm.accounts.models import User


def password_change(request: HttpRequest) -> HttpResponseBase:
    """Show Django's page, and count wrong old passwords. Raises TooManyAttempts."""
    if request.method != "POST":
        return admin.site.password_change(request)
    attempt = begin_attempt(request, cast(User, request.user).username)
    answer = admin.site.password_change(request)
    form = answer.context_data["form"] if isinstance(answer, TemplateResponse) and answer.context_data else None
    if form is None or "old_password" not in form.errors:
        attempt.succeeded()
    return answer
