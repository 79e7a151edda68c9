"""Check what searches find in the API and on the pages, on each database."""

from collections.abc import Callable

import pytest
from django.test import Client

from crm.models import Customer, Interaction, WebhookEndpoint
from tests.support.api import System
from tests.support.factories import CustomerFactory, InteractionFactory, UserFactory
from tests.support.webhooks import WebhookEndpointFactory

pytestmark = pytest.mark.django_db
FOUND = [
    ({"name": "Ülkü Özgür"}, "ÜLKÜ"),
    ({"name": "Ülkü Özgür"}, "ozgur ülkü"),
    ({"name": "Москва"}, "москва"),
    ({"name": "e\u0301clair"}, "éclair"),
    ({"name": "éclair"}, "e\u0301clair"),
    ({"company": "Möbel AB"}, "mobel"),
    ({"company": "Straßenbau"}, "STRASSE"),
    ({"phone": "+46 8 123456"}, "+468123456"),
    ({"phone": "+46 8 123456"}, "+46 8 12"),
    ({"phone": "+46 (0)8-123456"}, "8-12"),
    ({"phone": "+468123456"}, "+46-8-123456"),
    ({"source": "erp", "external_id": "10_50%-C"}, "0_50%-c"),
    ({"email": "ada@example.com"}, "ADA@"),
    ({"name": "Ada King Lovelace"}, '"king lovelace"'),
    ({"name": "Ada Lovelace", "company": "Engines"}, "lovelace,engines"),
]
NOT_FOUND = [
    ({"name": "Ada"}, "ada grace"),
    ({"name": "Ada King Lovelace"}, '"ada lovelace"'),
    ({"phone": "+46 8 123456"}, "+4681234567"),
    ({"name": "Customer 100"}, "1_0"),
    ({"name": "Ada", "phone": "1"}, "\u0301"),
]


def in_api(words: str) -> list[str]:
    rows = System().get("customers", {"search": words}).json()["results"]
    return [row["id"] for row in rows]


def on_page(words: str) -> list[str]:
    client = Client()
    client.force_login(UserFactory(is_superuser=True))
    page = client.get("/admin/crm/customer/", {"q": words}).content.decode()
    return [str(each.uuid) for each in Customer.objects.all() if f"/{each.uuid}" in page]


@pytest.mark.parametrize("search", [in_api, on_page])
@pytest.mark.parametrize(("texts", "words"), FOUND)
def test_a_customer_is_found(search: Callable[[str], list[str]], texts: dict[str, str], words: str) -> None:
    wanted = CustomerFactory(**{"name": "Somebody"} | texts)
    CustomerFactory(name="Else", email="other@example.org")
    assert search(words) == [str(wanted.uuid)]


@pytest.mark.parametrize("search", [in_api, on_page])
@pytest.mark.parametrize(("texts", "words"), NOT_FOUND)
def test_another_is_not(search: Callable[[str], list[str]], texts: dict[str, str], words: str) -> None:
    CustomerFactory(**texts)
    assert search(words) == []


def test_the_search_follows_every_way_to_write() -> None:
    customer, (made,) = CustomerFactory(name="Åsa"), Customer.objects.bulk_create([Customer(name="Åke")])
    system = System()
    system.send("PATCH", f"customers/{customer.uuid}", {"name": "Élodie"})
    assert (in_api("asa"), in_api("elodie"), in_api("ake")) == ([], [str(customer.uuid)], [str(made.uuid)])
    named = Customer.objects.only("name").get(pk=customer.pk)
    named.name = "Zoë"
    named.save()
    assert in_api("zoe") == [str(customer.uuid)]
    named.name = "Noé"
    named.save(update_fields=["name"])
    assert in_api("noe") == [str(customer.uuid)]


def test_notes_are_searched_alike() -> None:
    interaction = InteractionFactory(notes="Wünscht Rückruf", customer=CustomerFactory(name="Jürgen"))
    InteractionFactory(notes="Nothing.")
    system = System()
    assert [row["id"] for row in system.get("interactions?search=RUCKRUF").json()["results"]] == [str(interaction.uuid)]
    system.send("PATCH", f"interactions/{interaction.uuid}", {"notes": "Später"})
    assert Interaction.objects.get(pk=interaction.pk).search_text == "spater"
    client = Client()
    client.force_login(UserFactory(is_superuser=True))
    for words in ("spater", "jurgen spater"):
        page = client.get("/admin/crm/interaction/", {"q": words}).content.decode()
        assert f"/admin/crm/interaction/{interaction.pk}/change/" in page
        assert page.count("/change/") == 1
    assert "Jürgen" in client.get("/admin/crm/consent/", {"q": "jurgen"}).content.decode()


def test_small_tables_are_searched_alike() -> None:
    client = Client()
    client.force_login(UserFactory(username="boss", is_superuser=True))
    member = UserFactory(username="selma", first_name="Şelâle", last_name="Öz")
    page = client.get("/admin/crm/user/", {"q": "OZ selale"}).content.decode()
    assert f"/admin/crm/user/{member.pk}/change/" in page
    assert page.count("/change/") == 1
    WebhookEndpointFactory(description="Büro")
    WebhookEndpointFactory(description="Shop")
    page = client.get("/admin/crm/webhookendpoint/", {"q": "buro"}).content.decode()
    assert page.count("/change/") == 1, WebhookEndpoint.objects.count()
