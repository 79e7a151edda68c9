"""Check passwords, whichever page asks for them."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from crm.accounts.attempts import begin_attempt


class LimitedBackend(ModelBackend):
    """Django's backend, which checks no more passwords than `begin_attempt` allows."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        """Return the user if the password is right. Raises TooManyAttempts; `LoginLimits` turns it into a page."""
        if request is None or username is None or password is None:
            return super().authenticate(request, username, password, **kwargs)
        attempt = begin_attempt(request, username)
        user = super().authenticate(request, username, password, **kwargs)
        if user is not None:
            attempt.succeeded()
        return user
