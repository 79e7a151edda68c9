"""Another system that uses the REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.test import Client

from crm.models import ApiKey, Scope, User
from tests.factories import UserFactory

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

CUSTOMERS = "/api/v1/customers"


class System(Client):
    """Sends JSON with an API key, which has every scope unless some are given, and acts for this or a new person."""

    def __init__(self, *scopes: Scope, user: User | None = None, **key: Any) -> None:
        given: User = user or UserFactory()
        self.user = given
        self.key, self.secret = make_key(given, *scopes, **key)
        super().__init__(headers={"Authorization": f"Bearer {self.secret}"}, raise_request_exception=False)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """The headers are named as in `If_Match`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = {} if body is None else {"data": body, "content_type": "application/json"}
        response: Response = getattr(self, method.lower())(path, headers=named, **data)
        return response


def make_key(user: User, *scopes: Scope, **fields: Any) -> tuple[ApiKey, str]:
    """The key and what the other system sends."""
    made = ApiKey.objects.create_key(name="Another CRM", user=user, scopes=[*(scopes or Scope.values)], **fields)
    return cast(tuple[ApiKey, str], made)
