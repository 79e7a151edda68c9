"""Test the admin's list pages of every app."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from crm.models import ApiKey, Consent, Customer, Interaction, User, WebhookDelivery, WebhookEndpoint
from crm.webhooks.events import emit_test
from emotions.models import Snapshot
from tests.support.api import make_key
from tests.support.factories import ConsentFactory, CustomerFactory, InteractionFactory, SnapshotFactory, UserFactory
from tests.support.webhooks import WebhookEndpointFactory

ROWS: dict[type[Model], Callable[[int], Any]] = {
    ApiKey: lambda number: make_key(UserFactory()),
    Consent: lambda number: ConsentFactory(),
    Customer: lambda number: CustomerFactory(owner=UserFactory(), source="shop", external_id=f"K-{number}"),
    Group: lambda number: Group.objects.create(name=f"Group {number}"),
    Interaction: lambda number: InteractionFactory(),
    Snapshot: lambda number: SnapshotFactory(analysed=True),
    User: lambda number: UserFactory(),
    WebhookDelivery: lambda number: emit_test(WebhookEndpointFactory()),
    WebhookEndpoint: lambda number: WebhookEndpointFactory(),
}


def test_every_list_is_known_here() -> None:
    assert set(ROWS) == set(admin.site._registry)


@pytest.mark.django_db
@pytest.mark.parametrize("model", ROWS)
def test_the_number_of_queries_does_not_grow(
    admin_client: Client, model: type[Model], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    for number in range(2):
        ROWS[model](number)
    with django_assert_max_num_queries(100) as of_few:
        admin_client.get(address)
    for number in range(2, 11):
        ROWS[model](number)
    with django_assert_max_num_queries(len(of_few)):
        admin_client.get(address)
