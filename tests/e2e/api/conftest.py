"""Another system that uses the API of a real site."""

from dataclasses import dataclass

import pytest

from crm.models import ApiKey, Scope, User
from tests.support.factories import UserFactory
from tests.support.site import Site


@dataclass(frozen=True, slots=True)
class Access:
    """What an integrator is given."""

    address: str  # of the API, without a slash at the end
    key: str
    user: User


@pytest.fixture
def access(site: Site) -> Access:
    """A key with every scope, for a member of staff who may do everything."""
    user: User = UserFactory(username="integration", is_superuser=True)
    _, secret = ApiKey.objects.create_key(name="Another CRM", user=user, scopes=Scope.values)
    return Access(f"{site.address}/api/v1", secret, user)
