"""Provide another system that uses the API of a real site."""

import pytest

from crm.models import User
from tests.support.api import Access, make_key
from tests.support.factories import UserFactory
from tests.support.site import Site


@pytest.fixture
def access(site: Site) -> Access:
    """Return a key with every scope, for a member of staff who may do everything."""
    user: User = UserFactory(username="integration", is_superuser=True)
    _, secret = make_key(user)
    return Access(f"{site.address}/api/v1", secret, user)
