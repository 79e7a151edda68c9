"""Check what happens when somebody saves a row that a colleague is deleting."""

from typing import Any

import pytest
from django.db import transaction
from django.db.models import Model

from tests.support.databases import on_sqlite, somebody_waits_for_a_lock
from tests.support.factories import CustomerFactory, InteractionFactory, UserFactory
from tests.support.threads import in_thread
from tests.support.waiting import wait_until
from tests.support.webhooks import WebhookEndpointFactory
from tests.support.workspace import browser_of, text_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(on_sqlite(), reason="SQLite has one lock for everything"),
]
CUSTOMER = {"name": "Changed", "company": "", "email": "", "phone": "", "notes": "", "source": "", "external_id": ""}
INTERACTION = {"kind": "chat", "occurred_at_0": "2026-11-01", "occurred_at_1": "10:00", "notes": "Changed"}
WEBHOOK = {"url": "https://crm.example.com/changed", "description": "", "events": ["customer.created"]}
FORMS = pytest.mark.parametrize(
    ("factory", "form"),
    [(CustomerFactory, CUSTOMER), (InteractionFactory, INTERACTION), (WebhookEndpointFactory, WEBHOOK)],
)


@FORMS
def test_what_is_deleted_while_its_form_is_saved_stays_deleted(factory: Any, form: dict[str, Any]) -> None:
    row: Model = factory()
    page = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"
    browser = browser_of(UserFactory(is_superuser=True))
    with transaction.atomic():
        type(row)._default_manager.filter(pk=row.pk).delete()
        saving = in_thread(lambda: browser.post(page, form, follow=True))
        wait_until(somebody_waits_for_a_lock, "the form waits for the deletion")
    assert "Perhaps it was deleted?" in text_of(saving.result().content)
    assert not type(row)._default_manager.exists()


@FORMS
def test_the_forms_are_saved_when_nobody_deletes(factory: Any, form: dict[str, Any]) -> None:
    """The same form is saved if nobody deletes the row, so the test above sends a valid one."""
    row: Model = factory()
    page = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"
    assert browser_of(UserFactory(is_superuser=True)).post(page, form).status_code == 302
    row.refresh_from_db()
    assert "changed" in f"{vars(row)}".lower()
