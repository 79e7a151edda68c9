"""What the migrations make of texts that were stored before there was a normal form."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection

from crm.models import Customer, Interaction
from tests.api import System
from tests.emotions.test_migrations import migrate
from tests.factories import CustomerFactory, InteractionFactory

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def decomposed() -> Iterator[None]:
    """Rows of before, written as SQL because today's models would compose them; two with IDs that look the same."""
    interaction = InteractionFactory(customer=CustomerFactory(name="A"), notes="B")
    CustomerFactory(name="Same", source="erp", external_id="é")
    CustomerFactory(name="Other", source="erp", external_id="o")
    CustomerFactory(name="Unchanged")
    Customer.objects.update(updated_at=LONG_AGO)
    migrate(("crm", "0011_webhooks_in_turn"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE crm_customer SET name = %s WHERE name = 'A'", ["E\u0301lodie"])
        cursor.execute("UPDATE crm_customer SET external_id = %s WHERE name = 'Other'", ["e\u0301"])
        cursor.execute("UPDATE crm_interaction SET notes = %s WHERE id = %s", ["cafe\u0301", interaction.pk])
    yield
    migrate()


@pytest.mark.usefixtures("decomposed")
def test_stored_texts_are_composed_and_found(caplog: pytest.LogCaptureFixture) -> None:
    migrate()
    assert Interaction.objects.get().notes == "café"
    names = {each.name: each for each in Customer.objects.all()}
    assert names.keys() == {"Élodie", "Same", "Other", "Unchanged"}
    assert names["Élodie"].updated_at > LONG_AGO
    assert names["Unchanged"].updated_at == LONG_AGO
    assert names["Other"].external_id == "e\u0301"
    assert "has another's external ID" in caplog.text
    found = System().get("customers?search=elodie").json()["results"]
    assert [row["name"] for row in found] == ["Élodie"]
