"""What staff see of addresses that lead nowhere, and of rubbish behind the question mark."""

import pytest

from tests.factories import UserFactory
from tests.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/admin/crm/user/", 403, "ask whoever manages your staff accounts"),
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
