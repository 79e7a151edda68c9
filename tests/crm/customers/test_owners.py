"""Check who owns customers that other systems create: nobody shares one unintentionally."""

import pytest

from crm.models import Customer
from tests.support.api import CUSTOMERS, System
from tests.support.factories import UserFactory

pytestmark = pytest.mark.django_db

EXTERNAL = {"name": "Vera", "source": "erp", "external_id": "7"}


def create(system: System, way: str, **values: object) -> Customer:
    given = EXTERNAL | values
    if way == "post":
        system.send("POST", CUSTOMERS, given)
    elif way == "put":
        system.send("PUT", f"{CUSTOMERS}/by-external-id/erp/7", given)
    else:
        system.send("POST", f"{CUSTOMERS}/bulk", {"customers": [given]})
    return Customer.objects.get()


@pytest.mark.parametrize("way", ["post", "put", "bulk"])
def test_a_new_customer_belongs_to_whom_the_key_acts_for(way: str) -> None:
    system = System()
    assert create(system, way).owner == system.user


@pytest.mark.parametrize("way", ["post", "put", "bulk"])
def test_null_shares_a_new_customer_and_a_name_gives_it_to_a_colleague(way: str) -> None:
    assert create(System(), way, owner=None).owner is None
    Customer.objects.all().delete()
    colleague = UserFactory()
    assert create(System(), way, owner=colleague.username).owner == colleague


@pytest.mark.parametrize("way", ["put", "bulk"])
def test_an_update_leaves_the_owner_as_it_is(way: str) -> None:
    system = System()
    create(system, way, owner=None)
    assert create(system, way, phone="1").owner is None
