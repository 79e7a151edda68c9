import pytest
from django.db import connection, transaction
from django.urls import reverse
from pytest_django import Settings

from crm.consents.services import record_consent
from crm.models import AppendOnly, Consent, Customer
from tests.support.factories import ConsentFactory, CustomerFactory, UserFactory
from tests.support.threads import in_thread
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db
SCOPE = Consent.Scope.EMOTION_ANALYSIS


def test_nobody_has_agreed_at_first() -> None:
    assert not Consent.objects.stands_for(CustomerFactory(consenting=False), SCOPE)


def test_the_newest_entry_stands() -> None:
    customer, by = CustomerFactory(consenting=False), UserFactory()
    for granted in (True, False, True):
        record_consent(customer, granted=granted, obtained_by="written", recorded_by=by)
        assert Consent.objects.stands_for(customer, SCOPE) is granted
    assert [entry.granted for entry in customer.consents.all()] == [True, False, True]


def test_consent_is_the_customers_own_and_of_one_scope() -> None:
    customer = ConsentFactory().customer
    assert not Consent.objects.stands_for(customer, "newsletter")
    assert not Consent.objects.stands_for(CustomerFactory(consenting=False), SCOPE)


def test_an_entry_says_what_was_shown_and_by_whom(settings: Settings) -> None:
    by = UserFactory()
    settings.CONSENT_NOTICE_VERSION = "2027-02"
    consent = record_consent(CustomerFactory(), granted=True, obtained_by="in_person", recorded_by=by)
    assert (consent.notice_version, consent.recorded_by, consent.obtained_by) == ("2027-02", by, "in_person")


def test_an_entry_can_be_neither_changed_nor_deleted() -> None:
    consent = ConsentFactory()
    consent.granted = False
    with pytest.raises(AppendOnly):
        consent.save()
    with pytest.raises(AppendOnly):
        consent.delete()
    with pytest.raises(AppendOnly):
        Consent.objects.filter(pk=consent.pk).update(granted=False)
    with pytest.raises(AppendOnly):
        Consent.objects.all().delete()
    with pytest.raises(AppendOnly), transaction.atomic():
        Consent.objects.bulk_update([consent], ["granted"])
    assert Consent.objects.get(pk=consent.pk).granted


def test_deleting_a_customer_deletes_their_consent() -> None:
    consent = ConsentFactory()
    consent.customer.delete()
    assert not Consent.objects.exists()


def test_deleting_an_account_keeps_what_it_recorded() -> None:
    consent = ConsentFactory()
    consent.recorded_by.delete()
    assert Consent.objects.get(pk=consent.pk).recorded_by is None


@pytest.mark.django_db(transaction=True)
def test_consent_waits_for_whoever_has_the_customer() -> None:
    """A withdrawal waits for the customer's lock, so it cannot come between the check of a consent and the storing."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time anyway")
    customer, by = CustomerFactory(), UserFactory()
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=customer.pk)
        withdrawal = in_thread(lambda: record_consent(customer, granted=False, obtained_by="written", recorded_by=by))
        withdrawal.join(0.3)
        assert withdrawal.is_alive()
        assert Consent.objects.stands_for(customer, SCOPE)
    withdrawal.result()
    assert not Consent.objects.stands_for(customer, SCOPE)


def test_a_recorded_consent_explains_no_box_that_is_not_there() -> None:
    consent = ConsentFactory()
    page = browser_of().get(reverse("admin:crm_consent_change", args=[consent.pk]))
    assert "nticked" not in text_of(page.content)


def test_the_form_refuses_training_without_the_consent_to_analysis() -> None:
    customer = CustomerFactory(consenting=False)
    form = {"customer": customer.pk, "scope": "model_training", "granted": "yes", "obtained_by": "written"}
    refused = browser_of().post(reverse("admin:crm_consent_add"), form)
    assert "The customer has not agreed to photos and their analysis. Record that consent first." in text_of(
        refused.content
    )
    assert not Consent.objects.exists()
    record_consent(customer, granted=True, obtained_by="written", recorded_by=None)
    assert browser_of().post(reverse("admin:crm_consent_add"), form).status_code == 302
