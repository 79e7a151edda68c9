from datetime import timedelta

import pytest
from django.utils import timezone

from crm.models import Customer
from tests.support.api import System
from tests.support.factories import CustomerFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def changed_the_other_way_round() -> None:
    """Create customers whose order of creation is the reverse of their order of change."""
    for days in (1, 2, 3):
        customer = CustomerFactory(name=f"{days} days ago")
        Customer.objects.filter(pk=customer.pk).update(updated_at=timezone.now() - timedelta(days=days))


def names(**parameters: str) -> list[str]:
    return [customer["name"][0] for customer in System().get("customers", parameters).json()["results"]]


@pytest.mark.usefixtures("changed_the_other_way_round")
def test_a_period_comes_in_the_order_of_its_time_unless_another_is_asked_for() -> None:
    since = (timezone.now() - timedelta(days=5)).isoformat()
    assert names() == ["3", "2", "1"]
    assert names(updated_since=since) == ["1", "2", "3"]
    assert names(updated_since=since, created_after=since) == ["3", "2", "1"]
    assert names(updated_since=since, ordering="created_at") == ["1", "2", "3"]
    assert names(updated_since=since, ordering="-name") == ["3", "2", "1"]


@pytest.mark.usefixtures("changed_the_other_way_round")
def test_pages_of_a_period_follow_one_another() -> None:
    system, since = System(), (timezone.now() - timedelta(days=5)).isoformat()
    page = system.get("customers", {"updated_since": since, "page_size": 1}).json()
    found = [page["results"][0]["name"][0]]
    while page["next"]:
        page = system.get(page["next"]).json()
        found.append(page["results"][0]["name"][0])
    assert found == ["1", "2", "3"]
