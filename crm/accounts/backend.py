"""How a password is looked at, whichever page asks for it."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from crm.accounts.attempts import begin_attempt


class LimitedBackend(ModelBackend):
    """Django's, which looks at no more passwords than `begin_attempt` allows."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        """Raises TooManyAttempts, which `LoginLimits` makes an answer of."""
        if request is None or username is None or password is None:
            return super().authenticate(request, username, password, **kwargs)
        attempt = begin_attempt(request, username)
        user = super().authenticate(request, username, password, **kwargs)
        if user is not None:
            attempt.succeeded()
        return user
