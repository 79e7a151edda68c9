"""Check what staff see at addresses that lead nowhere, and when the query makes no sense."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.support.factories import CustomerFactory, UserFactory
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/admin/crm/user/", 403, "ask an administrator"),
        ("/admin/customers/00000000-0000-0000-0000-000000000000/", 404, "belong to a colleague"),
        ("/admin/nothing/", 404, "look for it in the lists"),
        ("/admin/crm/customer/?owner__password__regex=a", 400, "use the links and filters"),
    ],
)
def test_refusals_say_what_to_do(address: str, status: int, words: str) -> None:
    answer = browser_of(UserFactory()).get(address)
    assert answer.status_code == status
    assert words in text_of(answer.content)
    assert 'href="/admin/crm/customer/"' in answer.content.decode()


@pytest.mark.parametrize("number", ["abc", "-1", "0", "1.5", "2", "99999999999999999999999", "²", ""])
def test_the_search_of_the_menu_answers_whatever_the_page_s_number(number: str) -> None:
    answer = browser_of(UserFactory()).get("/admin/search/", {"s": "cust", "page": number})
    assert answer.status_code == 200
    assert "Customers" in text_of(answer.content)


@pytest.mark.parametrize("name", ["source", "source__exact", "owner__id__exact", "owner__isnull"])
def test_a_list_answers_to_rubbish_in_its_filters(name: str) -> None:
    browser = browser_of(UserFactory())
    assert browser.get("/admin/crm/customer/", {name: "\0"}).status_code == 400
    for value in ("abc", "-1", "99999999999999999999999", "²"):
        assert browser.get("/admin/crm/customer/", {name: value}).status_code in (200, 302)


@pytest.mark.parametrize("address", ["/admin/", "/api/v1/customers", "/nowhere"])
def test_a_wrong_host_is_a_bad_request(client: Client, address: str) -> None:
    """A middleware refuses the request before anybody is identified."""
    assert client.get(address, headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("page", ["change", "delete"])
def test_the_pages_of_a_row_answer_to_an_empty_field_in_the_address(admin_client: Client, page: str) -> None:
    address = reverse(f"admin:crm_customer_{page}", args=[CustomerFactory().pk])
    assert admin_client.get(address, {"_to_field": ""}).status_code == 200
