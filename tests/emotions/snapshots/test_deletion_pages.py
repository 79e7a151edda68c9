"""Test what the admin says before somebody deletes something."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.models import ApiKey, Customer, WebhookEndpoint
from tests.support.api import make_key
from tests.support.factories import (
    EmotionCorrectionFactory,
    EmotionRecordFactory,
    InteractionFactory,
    SnapshotFactory,
    UserFactory,
)
from tests.support.webhooks import WebhookEndpointFactory
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db


def busy_customer(interactions: int) -> Customer:
    first = InteractionFactory(kind="visit")
    for number in range(interactions):
        interaction = InteractionFactory(customer=first.customer)
        snapshot = SnapshotFactory(analysed=True, interaction=interaction)
        EmotionRecordFactory(snapshot=snapshot, face_index=1)
        if number == 0:
            EmotionCorrectionFactory(record=snapshot.records.first())
    customer: Customer = first.customer
    return customer


def delete_page(row: Any) -> bytes:
    meta = row._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_delete", args=[row.pk])
    content: bytes = browser_of(UserFactory(is_superuser=True)).get(address).content
    return content


def list_action(*rows: Any) -> bytes:
    meta = rows[0]._meta
    address = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in rows]}
    content: bytes = browser_of(UserFactory(is_superuser=True)).post(address, chosen).content
    return content


@pytest.mark.parametrize("page", [delete_page, list_action])
def test_what_goes_with_a_customer_is_counted_by_kind(page: Any) -> None:
    said = text_of(page(busy_customer(interactions=2)))
    for count in (
        "Customers: 1",
        "Consents: 1",
        "Interactions: 3",
        "Snapshots: 2",
        "Emotion records: 4",
        "Emotion corrections: 1",
        "Sentiment points: 2",
    ):
        assert count in said
    assert "Snapshot:" not in said  # single rows are not listed
    assert "permission" not in said


@pytest.mark.parametrize("page", [delete_page, list_action])
def test_a_page_before_a_deletion_takes_as_many_queries_however_much_goes(page: Any) -> None:
    counts = []
    for interactions in (1, 6):
        customer = busy_customer(interactions)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page(customer)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("page", [delete_page, list_action])
def test_a_photo_is_shown_before_it_is_deleted(page: Any) -> None:
    snapshot = SnapshotFactory(analysed=True, interaction__customer__name="Ada <b>")
    content = page(snapshot)
    assert reverse("emotions:preview", args=[snapshot.uuid]) in content.decode()
    assert "Photo of Ada <b>, taken" in text_of(content)


def test_the_counts_are_what_is_deleted() -> None:
    customer = busy_customer(interactions=2)
    _, deleted = customer.delete()
    assert deleted == {
        "crm.Customer": 1,
        "crm.Consent": 1,
        "crm.Interaction": 3,
        "emotions.Snapshot": 2,
        "emotions.EmotionRecord": 4,
        "emotions.EmotionCorrection": 1,
        "emotions.SentimentPoint": 2,
    }


def test_of_many_rows_a_few_are_named() -> None:
    customers = [InteractionFactory().customer for _ in range(25)]
    said = text_of(list_action(*customers))
    assert "and 5 more" in said
    assert said.count("Customer: Customer") == 20


def test_an_account_with_what_its_manager_may_not_delete_is_kept() -> None:
    manager = UserFactory(is_superuser=True)
    somebody = UserFactory()
    make_key(somebody)
    page = reverse("admin:crm_user_delete", args=[somebody.pk])
    assert "permission to delete the following types of objects: API key" in text_of(
        browser_of(manager).get(page).content
    )
    assert browser_of(manager).post(page, {"post": "yes"}).status_code == 403
    assert ApiKey.objects.exists()


def test_a_webhook_goes_with_its_deliveries() -> None:
    endpoint = WebhookEndpointFactory(owner=UserFactory(is_superuser=True))
    InteractionFactory()
    said = text_of(delete_page(endpoint))
    assert "Webhook deliveries: 1" in said
    owner = browser_of(endpoint.owner)
    page = reverse("admin:crm_webhookendpoint_delete", args=[endpoint.pk])
    assert owner.post(page, {"post": "yes"}).status_code == 302
    assert not WebhookEndpoint.objects.exists()


def test_who_may_not_delete_customers_is_refused() -> None:
    somebody = UserFactory()
    somebody.user_permissions.add(Permission.objects.get(codename="change_customer"))
    page = reverse("admin:crm_customer_delete", args=[InteractionFactory().customer.pk])
    assert browser_of(somebody).post(page, {"post": "yes"}).status_code == 403
