"""Check what staff may see and do on the admin's lists and forms."""

import pytest
from django.contrib.auth.models import Permission
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse

from crm.models import Consent, Customer, Interaction, User
from emotions.models import Snapshot
from tests.support.factories import ConsentFactory, CustomerFactory, InteractionFactory, SnapshotFactory, UserFactory
from tests.support.webhooks import WebhookEndpointFactory
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db

CUSTOMERS = "/admin/crm/customer/"
LISTS = (CUSTOMERS, "/admin/crm/interaction/", "/admin/crm/consent/")


@pytest.fixture
def me() -> User:
    return UserFactory()


@pytest.fixture
def browser(me: User) -> Client:
    return browser_of(me)


def saved(answer: HttpResponseBase) -> bool:
    return answer.status_code == 302


@pytest.mark.parametrize("address", ["/", "/admin/"])
def test_the_way_in_leads_to_the_customers(browser: Client, address: str) -> None:
    answer = browser.get(address, follow=True)
    assert answer.redirect_chain[-1][0] == CUSTOMERS
    assert answer.status_code == 200


def test_who_opens_the_login_page_itself_gets_to_the_customers(client: Client) -> None:
    staff = UserFactory()
    staff.set_password("a long sentence")
    staff.save()
    answer = client.post("/admin/login/", {"username": staff.username, "password": "a long sentence"}, follow=True)
    assert (answer.redirect_chain[-1][0], answer.status_code) == (CUSTOMERS, 200)


@pytest.mark.parametrize("address", LISTS)
def test_lists_hold_what_staff_may_see(browser: Client, address: str) -> None:
    for owner, name in ((None, "Visible Vera"), (UserFactory(), "Hidden Henry")):
        InteractionFactory(customer=CustomerFactory(owner=owner, name=name))
    page = text_of(browser.get(address).content)
    assert "Visible Vera" in page
    assert "Hidden Henry" not in page


@pytest.mark.parametrize("address", LISTS)
def test_lists_are_for_staff(client: Client, address: str) -> None:
    assert client.get(address).status_code == 302
    client.force_login(UserFactory(is_staff=False))
    assert client.get(address).status_code == 302


def test_other_owners_rows_cannot_be_opened_or_deleted() -> None:
    theirs = InteractionFactory(customer__owner=UserFactory())
    me = UserFactory()
    me.user_permissions.set(Permission.objects.filter(content_type__app_label="crm", codename__startswith="delete"))
    browser = browser_of(me)
    for row in (theirs, theirs.customer, theirs.customer.consents.get()):
        for page in ("change", "delete", "history"):
            address = reverse(f"admin:crm_{row._meta.model_name}_{page}", args=[row.pk])
            assert browser.get(address).status_code != 200
            assert browser.post(address, {"post": "yes"}).status_code != 200
    assert Customer.objects.filter(pk=theirs.customer.pk).exists()


@pytest.mark.parametrize("words", ["Vera", "vera@", "030 12", "Acme", "K-77"])
def test_customers_are_found(browser: Client, words: str) -> None:
    CustomerFactory(name="Vera", email="vera@x.org", phone="030 12", company="Acme", source="shop", external_id="K-77")
    CustomerFactory(name="Somebody else")
    page = text_of(browser.get(CUSTOMERS, {"q": words}).content)
    assert "Acme" in page
    assert "Somebody else" not in page


def test_the_name_leads_to_the_timeline(browser: Client) -> None:
    customer = CustomerFactory(name="<Vera>")
    page = browser.get(CUSTOMERS).content.decode()
    assert f'href="{reverse("emotions:timeline", args=[customer.uuid])}" class="rp-name">&lt;Vera&gt;</a>' in page


def test_a_new_customer_belongs_to_whoever_adds_it(browser: Client, me: User) -> None:
    form = browser.get(f"{CUSTOMERS}add/").context["adminform"].form
    assert form["owner"].value() == me.pk
    assert saved(browser.post(f"{CUSTOMERS}add/", {"name": "New", "owner": me.pk}))
    assert Customer.objects.get().owner == me


def test_after_an_edit_staff_are_back_on_the_timeline(browser: Client, me: User) -> None:
    customer = CustomerFactory(owner=me)
    address = reverse("admin:crm_customer_change", args=[customer.pk])
    answer = browser.post(address, {"name": "Renamed", "owner": me.pk})
    assert answer.headers["Location"] == reverse("emotions:timeline", args=[customer.uuid])
    handed_over = browser.post(address, {"name": "Renamed", "owner": UserFactory().pk})
    assert handed_over.headers["Location"] == CUSTOMERS


def test_only_staff_can_own_a_customer(browser: Client) -> None:
    outsider = UserFactory(is_staff=False)
    assert not saved(browser.post(f"{CUSTOMERS}add/", {"name": "New", "owner": outsider.pk}))


def test_an_interaction_can_be_corrected_but_not_moved_into_the_future(browser: Client) -> None:
    interaction = InteractionFactory()
    address = reverse("admin:crm_interaction_change", args=[interaction.pk])
    right = {"kind": "chat", "occurred_at_0": "2026-01-02", "occurred_at_1": "10:00", "notes": "Corrected."}
    assert saved(browser.post(address, right))
    refused = browser.post(address, right | {"occurred_at_0": "2999-01-01"})
    assert "in the future" in text_of(refused.content)
    assert "before 1900" in text_of(browser.post(address, right | {"occurred_at_0": "0001-01-01"}).content)
    assert Interaction.objects.get().notes == "Corrected."


def test_interactions_are_logged_on_the_timeline_only(browser: Client) -> None:
    assert browser.get("/admin/crm/interaction/add/").status_code == 403


def consent_form(customer: Customer, granted: str) -> dict[str, object]:
    return {"customer": customer.pk, "scope": "emotion_analysis", "granted": granted, "obtained_by": "written"}


def test_a_withdrawal_is_added_to_the_history_and_ends_what_waits(browser: Client, me: User) -> None:
    snapshot = SnapshotFactory()
    customer = snapshot.interaction.customer
    assert saved(browser.post("/admin/crm/consent/add/", consent_form(customer, "no")))
    newest = Consent.objects.all()[0]
    assert (newest.granted, newest.recorded_by, newest.notice_version) == (False, me, "2026-11")
    assert Consent.objects.count() == 2
    assert Snapshot.objects.get().status == Snapshot.Status.WITHHELD


def test_a_consent_is_neither_granted_nor_withdrawn_by_default(browser: Client) -> None:
    assert not saved(browser.post("/admin/crm/consent/add/", consent_form(CustomerFactory(consenting=False), "")))
    assert not Consent.objects.exists()


def test_no_consent_is_recorded_for_another_owners_customer(browser: Client) -> None:
    theirs = CustomerFactory(owner=UserFactory(), consenting=False)
    assert not saved(browser.post("/admin/crm/consent/add/", consent_form(theirs, "yes")))
    assert not Consent.objects.exists()


def test_a_consent_is_never_changed_or_deleted(admin_client: Client) -> None:
    consent = ConsentFactory()
    change, delete = (reverse(f"admin:crm_consent_{page}", args=[consent.pk]) for page in ("change", "delete"))
    assert admin_client.get(change).status_code == 200
    assert admin_client.post(change, consent_form(consent.customer, "no")).status_code == 403
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403
    admin_client.post("/admin/crm/consent/", {"action": "delete_selected", "_selected_action": consent.pk})
    assert Consent.objects.get().granted


def test_deleting_takes_a_permission(browser: Client, admin_client: Client) -> None:
    snapshot = SnapshotFactory(analysed=True)
    customer = snapshot.interaction.customer
    address = reverse("admin:crm_customer_delete", args=[customer.pk])
    assert browser.post(address, {"post": "yes"}).status_code == 403
    assert saved(admin_client.post(address, {"post": "yes"}))
    assert not any(model.objects.exists() for model in (Customer, Interaction, Consent, Snapshot))


def test_staff_are_managed_with_the_permission_only(browser: Client, admin_client: Client) -> None:
    assert browser.get("/admin/crm/user/").status_code == 403
    new = {"username": "ruth", "usable_password": "true", "password1": "a long pass phrase", "password2": ""}
    assert not saved(admin_client.post("/admin/crm/user/add/", new))
    assert saved(admin_client.post("/admin/crm/user/add/", new | {"password2": "a long pass phrase"}))
    assert User.objects.get(username="ruth").check_password("a long pass phrase")


def test_operators_see_why_snapshots_failed(browser: Client, admin_client: Client) -> None:
    SnapshotFactory(failed=True, error="The disk is on fire.")
    SnapshotFactory(analysed=True)
    assert browser.get("/admin/emotions/snapshot/").status_code == 403
    page = text_of(admin_client.get("/admin/emotions/snapshot/", {"status__exact": "failed"}).content)
    assert "The disk is on fire." in page
    assert "1 snapshot " in page
    assert admin_client.get("/admin/emotions/snapshot/add/").status_code == 403


def test_the_path_above_a_page_keeps_the_small_letters_of_a_rows_name() -> None:
    endpoint = WebhookEndpointFactory(owner=UserFactory(is_superuser=True))
    page = browser_of(endpoint.owner).get(reverse("admin:crm_webhookendpoint_change", args=[endpoint.pk]))
    assert "Customers chevron_right Webhooks chevron_right https://crm.example.com/hook" in text_of(page.content)
