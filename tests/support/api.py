"""Play another system that uses the REST API."""

from dataclasses import dataclass
from typing import Any, cast

from rest_framework.test import APIClient

from crm.models import ApiKey, Scope, User
from tests.support.factories import UserFactory

API = "/api/v1"
CUSTOMERS = f"{API}/customers"


class System(APIClient):
    """A system that acts for this user or a new one. Its API key has every scope unless some are given.

    Paths that begin with neither a slash nor "http" are below /api/v1/.
    """

    def __init__(self, *scopes: Scope, user: User | None = None, **key: Any) -> None:
        given: User = user or UserFactory()
        self.user = given
        self.key, self.secret = make_key(given, *scopes, **key)
        super().__init__(headers={"Authorization": f"Bearer {self.secret}"}, raise_request_exception=False)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a JSON body. Write headers as keyword arguments, such as `If_Match`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        data = {} if body is None else {"data": body, "format": "json"}
        response: Any = getattr(self, method.lower())(path, headers=named, **data)
        return response

    def generic(self, method: str, path: str, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]  # its bases disagree
        return super().generic(method, _below_api(path), *args, **kwargs)

    def get(self, path: Any, data: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]  # its bases disagree
        return super().get(_below_api(path), data, **kwargs)


@dataclass(frozen=True, slots=True)
class Access:
    """What an integrator needs to use the API of a real site."""

    address: str  # of the API, without a slash at the end
    key: str
    user: User


def _below_api(path: str) -> str:
    return path if path.startswith(("/", "http")) else f"{API}/{path}"


def make_key(user: User, *scopes: Scope, **fields: Any) -> tuple[ApiKey, str]:
    """Create a key. Return it with the secret that the other system sends."""
    key, secret = ApiKey.objects.create_key(name="Another CRM", user=user, scopes=[*(scopes or Scope.values)], **fields)
    return cast(ApiKey, key), secret
