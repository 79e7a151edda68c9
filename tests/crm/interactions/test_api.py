from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from crm.models import Interaction
from tests.support.api import System
from tests.support.factories import CustomerFactory, InteractionFactory, UserFactory

pytestmark = pytest.mark.django_db
INTERACTIONS, CONSENTS = "/api/v1/interactions", "/api/v1/consents"


def test_an_interaction_is_logged_for_the_keys_member_of_staff() -> None:
    system, customer = System(), CustomerFactory()
    body = {"customer": str(customer.uuid), "kind": "meeting", "occurred_at": "2026-01-02T12:00:00+02:00"}
    answer = system.send("POST", INTERACTIONS, body)
    assert answer.status_code == 201
    assert answer.json() | {"staff": system.user.username, "occurred_at": "2026-01-02T10:00:00Z"} == answer.json()
    changed = system.send("PATCH", answer["Location"], {"notes": "Asked for an offer."})
    assert changed.json()["notes"] == "Asked for an offer."


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ({"customer": "not an ID"}, 400, "invalid"),
        ({"customer": "00000000-0000-0000-0000-000000000000"}, 422, "does_not_exist"),
        ({"kind": "letter"}, 400, "invalid_choice"),
        ({"occurred_at": "2026-01-02T12:00:00"}, 400, "naive"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, 422, "future"),
        ({"occurred_at": "9999-12-31T23:59:59Z"}, 422, "future"),
        ({"occurred_at": "1899-12-31T23:59:59Z"}, 422, "too_early"),
        ({"occurred_at": "0001-01-01T00:00:00Z"}, 422, "too_early"),
    ],
)
def test_wrong_interactions_are_refused(given: dict[str, str], status: int, code: str) -> None:
    body = {"customer": str(CustomerFactory().uuid), "kind": "visit"} | given
    answer = System().send("POST", INTERACTIONS, body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    assert not Interaction.objects.exists()


def test_an_interaction_of_1900_is_shown_in_every_zone(settings: Settings) -> None:
    settings.TIME_ZONE = "America/New_York"
    body = {"customer": str(CustomerFactory().uuid), "occurred_at": "1900-01-01T00:00:00Z"}
    assert System().send("POST", INTERACTIONS, body).status_code == 201
    assert str(Interaction.objects.get()) == "Visit on 1899-12-31 19:00"


def test_an_interaction_stays_with_its_customer() -> None:
    interaction = InteractionFactory()
    body = {"customer": str(CustomerFactory().uuid)}
    answer = System().send("PATCH", f"{INTERACTIONS}/{interaction.uuid}", body)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "mismatch")


def test_customers_of_others_can_be_neither_read_nor_written_to() -> None:
    hidden = CustomerFactory(owner=UserFactory())
    interaction, system = InteractionFactory(customer=hidden), System()
    assert system.send("GET", INTERACTIONS).json()["results"] == []
    assert system.send("GET", f"{INTERACTIONS}/{interaction.uuid}").status_code == 404
    assert system.send("POST", INTERACTIONS, {"customer": str(hidden.uuid)}).status_code == 422
    consent = {"customer": str(hidden.uuid), "granted": True, "obtained_by": "online"}
    assert system.send("POST", CONSENTS, consent).status_code == 422


def test_interactions_are_filtered_by_their_customers_external_id_and_time() -> None:
    wanted = InteractionFactory(customer=CustomerFactory(source="erp", external_id="7"))
    InteractionFactory(occurred_at=timezone.now() - timedelta(days=3))
    system = System()
    since = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for query in ("customer_source=erp&customer_external_id=7", f"occurred_after={since}"):
        results = system.send("GET", f"{INTERACTIONS}?{query}").json()["results"]
        assert [each["id"] for each in results] == [str(wanted.uuid)]
