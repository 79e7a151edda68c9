"""Check that nobody can grant permissions that they lack, on any page."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse

from crm.models import User
from tests.support.factories import UserFactory
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db

MANAGES = ("add_user", "view_user", "change_user", "delete_user", "add_group", "change_group", "delete_group")
BEYOND = "delete_customer"
PASSWORD = {"usable_password": "true", "password1": "a long pass phrase", "password2": "a long pass phrase"}


def permission(codename: str) -> Permission:
    return Permission.objects.get(codename=codename)


@pytest.fixture
def manager() -> User:
    """Return a user who manages accounts and groups, and may do nothing else."""
    manager = UserFactory()
    manager.user_permissions.set(Permission.objects.filter(codename__in=MANAGES))
    return manager


@pytest.fixture
def browser(manager: User) -> Client:
    return browser_of(manager)


def page(name: str, row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk])


def account_form(account: User, **changes: Any) -> dict[str, Any]:
    joined = {"date_joined_0": "2026-01-02", "date_joined_1": "10:00"}
    return {"username": account.username, "is_active": "on", "is_staff": "on"} | joined | changes


def saved(answer: HttpResponseBase) -> bool:
    return answer.status_code == 302


def stronger_accounts() -> dict[str, User]:
    by_permission, by_group = UserFactory(), UserFactory()
    by_permission.user_permissions.add(permission(BEYOND))
    by_group.groups.add(stronger_group())
    return {
        "superuser": UserFactory(is_superuser=True),
        "inactive superuser": UserFactory(is_superuser=True, is_active=False),
        "by permission": by_permission,
        "by group": by_group,
    }


def stronger_group() -> Group:
    group = Group.objects.create(name="May delete")
    group.permissions.add(permission(BEYOND))
    return group


def inactive_but_stronger() -> User:
    account = UserFactory(is_active=False)
    account.user_permissions.add(permission(BEYOND))
    return account


def test_nobody_makes_themselves_a_superuser(browser: Client, manager: User) -> None:
    form = account_form(manager, is_superuser="on", user_permissions=[permission("change_user").pk])
    assert saved(browser.post(page("change", manager), form))
    manager.refresh_from_db()
    assert not manager.is_superuser


@pytest.mark.parametrize("field", ["user_permissions", "groups"])
def test_nobody_gives_themselves_or_others_what_they_lack(browser: Client, manager: User, field: str) -> None:
    beyond = permission(BEYOND) if field == "user_permissions" else stronger_group()
    for account in (manager, UserFactory()):
        answer = browser.post(page("change", account), account_form(account, **{field: [beyond.pk]}))
        assert "Select a valid choice" in text_of(answer.content)
        assert not User.objects.get(pk=account.pk).has_perm(f"crm.{BEYOND}")
        assert str(beyond) not in browser.get(page("change", account)).content.decode()


def test_what_one_has_oneself_can_be_given(browser: Client) -> None:
    account, group = UserFactory(), Group.objects.create(name="May view staff")
    group.permissions.add(permission("view_user"))
    form = account_form(account, user_permissions=[permission("change_user").pk], groups=[group.pk])
    assert saved(browser.post(page("change", account), form))
    assert account.get_all_permissions() == {"crm.change_user", "crm.view_user"}


@pytest.mark.parametrize("kind", [*("superuser", "inactive superuser", "by permission", "by group")])
def test_an_account_with_more_rights_is_out_of_reach(browser: Client, kind: str) -> None:
    account = stronger_accounts()[kind]
    before = User.objects.filter(pk=account.pk).values().get()
    assert browser.get(page("change", account)).status_code == 200  # reading is allowed
    assert browser.post(page("change", account), account_form(account, username="mine")).status_code == 403
    for address in (page("delete", account), f"/admin/crm/user/{account.pk}/password/"):
        assert browser.get(address).status_code == 403
        assert browser.post(address, PASSWORD | {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": account.pk, "post": "yes"}
    browser.post("/admin/crm/user/", chosen)
    assert User.objects.filter(pk=account.pk).values().get() == before


def test_an_account_does_not_lose_its_rights_from_sight_by_being_inactive(browser: Client) -> None:
    account = inactive_but_stronger()
    assert browser.post(page("change", account), account_form(account)).status_code == 403
    assert browser.post(f"/admin/crm/user/{account.pk}/password/", PASSWORD).status_code == 403


def test_an_account_without_more_rights_is_managed(browser: Client) -> None:
    account = UserFactory()
    assert saved(browser.post(f"/admin/crm/user/{account.pk}/password/", PASSWORD))
    assert User.objects.get(pk=account.pk).check_password(PASSWORD["password1"])
    chosen = {"action": "delete_selected", "_selected_action": account.pk, "post": "yes"}
    assert saved(browser.post("/admin/crm/user/", chosen))
    assert not User.objects.filter(pk=account.pk).exists()


def test_no_group_gets_what_its_manager_lacks(browser: Client) -> None:
    group = Group.objects.create(name="Mine")
    for address in (page("change", group), "/admin/auth/group/add/"):
        answer = browser.post(address, {"name": "Mine too", "permissions": [permission(BEYOND).pk]})
        assert "Select a valid choice" in text_of(answer.content)
    assert saved(browser.post(page("change", group), {"name": "Mine", "permissions": [permission("view_user").pk]}))
    assert [given.codename for given in group.permissions.all()] == ["view_user"]


def test_a_group_with_more_rights_is_out_of_reach(browser: Client) -> None:
    group = stronger_group()
    assert browser.post(page("change", group), {"name": "Mine", "permissions": []}).status_code == 403
    assert browser.post(page("delete", group), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": group.pk, "post": "yes"}
    browser.post("/admin/auth/group/", chosen)
    assert Group.objects.get() == group
    assert group.permissions.get().codename == BEYOND


def test_a_superuser_gives_everything(admin_client: Client) -> None:
    account, group = UserFactory(), stronger_group()
    form = account_form(account, is_superuser="on", groups=[group.pk], user_permissions=[permission(BEYOND).pk])
    assert saved(admin_client.post(page("change", account), form))
    account.refresh_from_db()
    assert (account.is_superuser, account.groups.get()) == (True, group)
    assert saved(admin_client.post(f"/admin/crm/user/{account.pk}/password/", PASSWORD))


def test_new_staff_can_log_in_unless_somebody_unticks_it(browser: Client, client: Client) -> None:
    form = browser.get("/admin/crm/user/add/").context["adminform"].form
    assert form["is_staff"].value() is True
    ticked = browser.post("/admin/crm/user/add/", {"username": "ruth", "is_staff": "on", **PASSWORD}, follow=True)
    assert "cannot log in" not in text_of(ticked.content)
    entered = client.post("/admin/login/", {"username": "ruth", "password": PASSWORD["password1"]}, follow=True)
    assert entered.redirect_chain[-1][0] == "/admin/crm/customer/"
    unticked = browser.post("/admin/crm/user/add/", {"username": "rolf", **PASSWORD}, follow=True)
    assert "rolf cannot log in. To change that, tick “May log in” and “Active”." in text_of(unticked.content)


@pytest.mark.parametrize(
    "password", ["owner2owner2", "Owner2-owner2", "owner2!2026", "Smith.Owner2", "2owner2owner", "ŐWNER2-ówner2"]
)
def test_a_password_made_of_the_account_s_own_names_is_refused(browser: Client, password: str) -> None:
    account = UserFactory(username="owner2", last_name="Smith")
    answer = browser.post(
        f"/admin/crm/user/{account.pk}/password/", PASSWORD | {"password1": password, "password2": password}
    )
    assert "little more than" in text_of(answer.content) or "too similar" in text_of(answer.content)
    assert not User.objects.get(pk=account.pk).check_password(password)


def test_a_password_may_name_the_account_among_other_words(browser: Client) -> None:
    account = UserFactory(username="owner2")
    words = "owner2 drives a green van"
    given = PASSWORD | {"password1": words, "password2": words}
    assert saved(browser.post(f"/admin/crm/user/{account.pk}/password/", given))
