"""Check that an account stays until somebody has decided who gets its customers."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from crm.models import Customer, User
from tests.support.factories import CustomerFactory, UserFactory
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db
ACCOUNTS = "/admin/crm/user/"


def delete(browser: Client, account: User) -> str:
    """Confirm the deletion, and return the text of the page that follows."""
    answer = browser.post(reverse("admin:crm_user_delete", args=[account.pk]), {"post": "yes"}, follow=True)
    return answer.content.decode()


def test_an_account_that_owns_customers_stays_until_they_are_handed_over(admin_client: Client) -> None:
    leaving, staying = UserFactory(username="ruth"), UserFactory()
    CustomerFactory.create_batch(2, owner=leaving)
    page = delete(admin_client, leaving)
    assert "2 customers have “ruth” as owner." in text_of(page.encode())
    assert f"/admin/crm/customer/?owner__id__exact={leaving.pk}" in page
    assert set(Customer.objects.values_list("owner", flat=True)) == {leaving.pk}
    Customer.objects.update(owner=staying)
    delete(admin_client, leaving)
    assert not User.objects.filter(pk=leaving.pk).exists()


def test_accounts_that_own_customers_stay_when_many_are_deleted(admin_client: Client) -> None:
    leaving, free = UserFactory(username="ruth"), UserFactory()
    CustomerFactory(owner=leaving)
    action = {"action": "delete_selected", "_selected_action": [leaving.pk, free.pk], "post": "yes"}
    page = admin_client.post(ACCOUNTS, action)
    assert "1 customer has “ruth” as owner." in text_of(page.content)
    assert User.objects.filter(pk__in=[leaving.pk, free.pk]).count() == 2


def test_the_page_leads_nobody_to_customers_whom_they_may_not_see() -> None:
    manager, leaving = UserFactory(), UserFactory()
    manager.user_permissions.set(Permission.objects.filter(codename__in=["delete_user", "view_user", "delete_apikey"]))
    CustomerFactory(owner=leaving)
    page = delete(browser_of(manager), leaving)
    assert "You may see 0 of them. Ask a colleague who may see them all to change them." in text_of(page.encode())
    assert "owner__id__exact" not in page
