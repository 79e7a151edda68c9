"""Test what remains of a deleted customer: only the IDs that other systems know."""

import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from crm.models import Customer, IdempotentRequest, Interaction, WebhookMessage
from crm.privacy.write_ahead_log import empty_write_ahead_log
from crm.tasks import deliver_webhooks
from crm.webhooks.event_types import event_types
from emotions.models import EmotionRecord, Snapshot
from emotions.uploads.api.views import SnapshotViewSet
from tests.support.analysing import analyse
from tests.support.api import CUSTOMERS, System
from tests.support.databases import on_sqlite
from tests.support.factories import SnapshotFactory, UserFactory, face_photo
from tests.support.receiver import Handler, Receiver
from tests.support.threads import in_thread
from tests.support.workspace import browser_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("released_model")]

SECRET = f"Zyxwv{uuid.uuid4().hex}"  # appears in every text about the customer, and nowhere else
EXTERNAL_ID = f"Id{uuid.uuid4().hex}"


def rows() -> dict[str, str]:
    """Return the contents of the database by table."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        found = {}
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a name of ours
            found[table] = repr([[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in cursor])
    return found | {"sessions": repr([session.get_decoded() for session in Session.objects.all()])}


def tables_with(text: str) -> set[str]:
    return {table for table, said in rows().items() if text.lower() in said.lower()}


def files_with(folder: Path, text: str) -> list[Path]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file for file in files if text.lower().encode() in (str(file).encode() + file.read_bytes()).lower()]


def said_of_a_customer(receiver: Receiver) -> Customer:
    """Create a customer whose texts all hold the secret.

    They come from every page and API address that takes a text; another system receives and repeats them.
    """

    def echo(handler: Handler) -> None:
        handler.answer(500, f"I do not know {SECRET}".encode())

    receiver.behaviour = echo
    boss = UserFactory(is_superuser=True)
    api, browser = System(user=boss), browser_of(boss)
    hook = {"url": receiver.url, "events": sorted(set(event_types()) - {"webhook.test"})}
    assert api.send("POST", "webhooks", hook).status_code == 201
    texts = {"name": SECRET, "email": f"{SECRET}@example.com", "phone": SECRET[:40], "company": SECRET, "notes": SECRET}
    given = {**texts, "source": "hubspot", "external_id": EXTERNAL_ID}
    created = api.send("POST", CUSTOMERS, given, Idempotency_Key=f"new-{SECRET}")
    customer = Customer.objects.get(uuid=created.json()["id"])
    form = {**given, "name": f"Ms {SECRET}", "owner": ""}
    assert browser.post(f"/admin/crm/customer/{customer.pk}/change/", form).status_code == 302
    api.send("POST", f"{CUSTOMERS}/bulk", {"customers": [given]}, Idempotency_Key=f"bulk-{SECRET}")
    consent = {"customer": str(customer.uuid), "granted": True, "obtained_by": "in_person"}
    assert api.send("POST", "consents", consent, Idempotency_Key=f"consent-{SECRET}").status_code == 201
    visit = {"customer": str(customer.uuid), "kind": "visit", "notes": SECRET}
    assert api.send("POST", "interactions", visit, Idempotency_Key=f"visit-{SECRET}").status_code == 201
    photo = SimpleUploadedFile(f"{SECRET}.jpg", face_photo(SECRET))
    photos = {**visit, "photos": [photo]}
    api.credentials(HTTP_IDEMPOTENCY_KEY=f"photo-{SECRET}")
    assert api.post("snapshots", photos, format="multipart").status_code == 202
    api.credentials()
    analyse(Snapshot.objects.get().pk)
    record = EmotionRecord.objects.get()
    said = api.send("POST", f"records/{record.uuid}/corrections", {"emotion": "sad"}, Idempotency_Key=f"sad-{SECRET}")
    assert said.status_code == 201
    interaction = Interaction.objects.exclude(snapshots=None).get()
    form = {"kind": "visit", "occurred_at_0": "2026-01-01", "occurred_at_1": "10:00", "notes": SECRET}
    browser.post(f"/admin/crm/interaction/{interaction.pk}/change/", form)
    deliver_webhooks()
    return customer


def by_model(customer: Customer) -> None:
    customer.delete()


def by_query(customer: Customer) -> None:
    Customer.objects.filter(pk=customer.pk).delete()


def by_api(customer: Customer) -> None:
    assert System(user=UserFactory(is_superuser=True)).delete(f"customers/{customer.uuid}").status_code == 204


def by_page(customer: Customer) -> None:
    browser = browser_of(UserFactory(is_superuser=True))
    assert browser.post(f"/admin/crm/customer/{customer.pk}/delete/", {"post": "yes"}).status_code == 302


def by_list(customer: Customer) -> None:
    chosen = {"action": "delete_selected", "_selected_action": [customer.pk], "post": "yes"}
    assert browser_of(UserFactory(is_superuser=True)).post("/admin/crm/customer/", chosen).status_code == 302


@pytest.mark.parametrize("delete", [by_model, by_query, by_api, by_page, by_list])
def test_nothing_but_ids_remains_of_a_deleted_customer(
    delete: Callable[[Customer], None], receiver: Receiver, tmp_path: Path
) -> None:
    customer = said_of_a_customer(receiver)
    assert {"crm_customer", "crm_interaction", "emotions_snapshot", "crm_idempotentrequest"} <= tables_with(SECRET)
    assert {"crm_deliveryattempt"} <= tables_with(SECRET)
    delete(customer)
    assert tables_with(SECRET) == set()
    assert files_with(tmp_path, SECRET) == []
    assert tables_with(EXTERNAL_ID) == {"crm_webhookmessage"}
    told = WebhookMessage.objects.get()
    assert (told.type, told.payload["data"]) == (
        "customer.deleted",
        {"customer": {"id": str(customer.uuid), "source": "hubspot", "external_id": EXTERNAL_ID}},
    )
    assert list(told.deliveries.values_list("status", flat=True)) == ["pending"]
    if on_sqlite():
        database = Path(connection.settings_dict["NAME"])
        for file in (database, database.with_name(f"{database.name}-wal")):
            assert SECRET.encode() not in file.read_bytes()


@pytest.mark.skipif(not on_sqlite(), reason="SQLite's log")
def test_a_log_that_somebody_reads_is_emptied_afterwards() -> None:
    log = Path(f"{connection.settings_dict['NAME']}-wal")
    customer = Customer.objects.create(name=SECRET)
    reader = sqlite3.connect(connection.settings_dict["NAME"])
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM crm_customer").fetchone()
    customer.delete()
    assert SECRET.encode() in log.read_bytes()
    reader.close()
    empty_write_ahead_log()
    assert log.read_bytes() == b""


def test_an_answer_that_is_kept_after_its_photo_was_deleted_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    api, customer = System(), SnapshotFactory().interaction.customer
    uploaded = SnapshotViewSet.uploaded

    def deleted_then(*args: Any) -> Any:
        answer = uploaded(*args)
        in_thread(customer.delete).result()
        return answer

    monkeypatch.setattr(SnapshotViewSet, "uploaded", deleted_then)
    body = {"customer": str(customer.uuid), "photos": [SimpleUploadedFile("a.jpg", face_photo("a"))]}
    api.credentials(HTTP_IDEMPOTENCY_KEY="k1")
    assert api.post("snapshots", body, format="multipart").status_code == 404
    assert not IdempotentRequest.objects.exists()
