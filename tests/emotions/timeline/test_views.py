"""Test who may open the workspace's pages, and what the timeline shows."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from crm.models import Consent, Customer
from emotions.models import Snapshot
from tests.support.factories import (
    ConsentFactory,
    CustomerFactory,
    EmotionCorrectionFactory,
    EmotionRecordFactory,
    InteractionFactory,
    SnapshotFactory,
    UserFactory,
)
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db

OF_A_CUSTOMER = (
    "timeline",
    "sentiment",
    "log",
    "record_consent",
    "withdraw_consent",
    "record_training_consent",
    "withdraw_training_consent",
)
OF_A_SNAPSHOT = ("snapshot", "preview", "original")
OF_A_FACE = ("choose_subject", "correct", "take_back")


def timeline(customer: Customer) -> str:
    return reverse("emotions:timeline", args=[customer.uuid])


def addresses(snapshot: Snapshot) -> list[str]:
    """Return the address of every page and form of the workspace about this snapshot and its customer."""
    record = snapshot.records.get()
    customer = snapshot.interaction.customer
    return [
        *(reverse(f"emotions:{name}", args=[customer.uuid]) for name in OF_A_CUSTOMER),
        *(reverse(f"emotions:{name}", args=[snapshot.uuid]) for name in OF_A_SNAPSHOT),
        reverse("emotions:face", args=[snapshot.uuid, record.pk]),
    ]


def posted(snapshot: Snapshot) -> list[str]:
    record = snapshot.records.get()
    return [
        reverse("emotions:retry", args=[snapshot.uuid]),
        *(reverse(f"emotions:{name}", args=[snapshot.uuid, record.pk]) for name in OF_A_FACE),
        *(reverse(f"emotions:review_{name}", args=[record.pk]) for name in OF_A_FACE[1:]),
        *(reverse(f"emotions:{name}", args=[snapshot.interaction.customer.uuid]) for name in OF_A_CUSTOMER[2:]),
    ]


def test_the_owner_opens_every_page() -> None:
    me = UserFactory()
    snapshot = SnapshotFactory(analysed=True, interaction__customer__owner=me)
    assert {browser_of(me).get(address).status_code for address in addresses(snapshot)} == {200}


def test_another_owners_customer_is_not_found() -> None:
    snapshot = SnapshotFactory(analysed=True, interaction__customer__owner=UserFactory())
    browser = browser_of()
    assert {browser.get(address).status_code for address in addresses(snapshot)} == {404}
    assert {browser.post(address).status_code for address in posted(snapshot)} == {404}


@pytest.mark.parametrize("somebody", ["nobody", "not staff", "no longer active"])
def test_only_staff_get_in(client: Client, somebody: str) -> None:
    snapshot = SnapshotFactory(analysed=True)
    if somebody != "nobody":
        client.force_login(UserFactory(is_staff=somebody != "not staff", is_active=somebody != "no longer active"))
    for answer in [client.get(each) for each in addresses(snapshot)] + [client.post(each) for each in posted(snapshot)]:
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/admin/login/")


def test_a_page_that_polls_is_told_to_reload_when_the_login_has_ended(client: Client) -> None:
    address = reverse("emotions:snapshot", args=[SnapshotFactory().uuid])
    answer = client.get(address, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (204, "true")


def test_an_unknown_customer_is_not_found() -> None:
    address = reverse("emotions:timeline", args=["00000000-0000-0000-0000-000000000000"])
    assert browser_of().get(address).status_code == 404


def test_nothing_is_changed_without_the_forms_token() -> None:
    snapshot = SnapshotFactory(failed=True)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(UserFactory())
    assert browser.post(reverse("emotions:retry", args=[snapshot.uuid])).status_code == 403


def test_the_timeline_shows_interactions_newest_first() -> None:
    customer = CustomerFactory()
    for days, notes in ((2, "older"), (1, "newer"), (3, "oldest")):
        InteractionFactory(customer=customer, occurred_at=timezone.now() - timedelta(days=days), notes=notes)
    assert re.findall("newer|older|oldest", text_of(browser_of().get(timeline(customer)).content)[500:]) == [
        "newer",
        "older",
        "oldest",
    ]


def test_the_timeline_shows_what_the_network_saw() -> None:
    snapshot = SnapshotFactory(analysed=True)
    record = snapshot.records.get()
    page = browser_of().get(timeline(snapshot.interaction.customer)).content.decode()
    shown = text_of(page.encode())
    assert "Appears happy 70%" in shown
    assert "angry 5% disgusted 5% afraid 5% happy 70% sad 5% surprised 5% neutral 5%" in shown
    assert "Model reference-cnn, version 1" in shown
    assert 'viewBox="0 0 192 240"' in page
    assert 'x="51" y="58" width="90" height="118"' in page
    assert reverse("emotions:face", args=[snapshot.uuid, record.pk]) in page


def test_no_page_says_that_somebody_is_happy() -> None:
    snapshot = SnapshotFactory(analysed=True)
    page = text_of(browser_of().get(timeline(snapshot.interaction.customer)).content)
    assert "appears happy" in page
    assert "is happy" not in page.lower()
    assert "It is often wrong" in page


def test_twenty_interactions_stand_on_a_page() -> None:
    customer = CustomerFactory()
    InteractionFactory.create_batch(21, customer=customer, notes="note")
    browser = browser_of()
    first, second = (browser.get(timeline(customer), {"page": page}).content for page in (1, 2))
    assert (first.count(b"data-interaction="), second.count(b"data-interaction=")) == (20, 1)
    assert b'href="?page=2"' in first
    assert browser.get(timeline(customer), {"page": "nonsense"}).status_code == 200


def test_what_people_wrote_is_shown_as_text() -> None:
    hostile = '<script>alert("1")</script>'
    customer = CustomerFactory(name=hostile, company=hostile, phone=hostile, notes=hostile, email='"<b>"@example.com')
    interaction = InteractionFactory(customer=customer, notes=hostile, staff__first_name=hostile)
    SnapshotFactory(analysed=True, interaction=interaction, original_name=f"{hostile}.jpg")
    SnapshotFactory(failed=True, interaction=interaction, error=hostile)
    browser = browser_of()
    for address in (timeline(customer), reverse("emotions:log", args=[customer.uuid])):
        page = browser.get(address).content
        assert b"alert(" in page
        assert b"<script>" not in page
        assert b"<b>" not in page


def test_the_number_of_queries_does_not_grow(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    small, large = CustomerFactory(), CustomerFactory()
    SnapshotFactory(analysed=True, interaction=InteractionFactory(customer=small))
    for interaction in InteractionFactory.create_batch(8, customer=large):
        for snapshot in SnapshotFactory.create_batch(3, analysed=True, interaction=interaction):
            EmotionRecordFactory(snapshot=snapshot, face_index=1)
            EmotionCorrectionFactory(record=snapshot.records.get(face_index=0))
    browser = browser_of()
    with django_assert_max_num_queries(100) as of_small:
        browser.get(timeline(small))
    with django_assert_max_num_queries(len(of_small)):
        browser.get(timeline(large))


def test_the_pictures_of_faces_are_not_read_for_the_timeline(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    snapshot = SnapshotFactory(analysed=True)
    browser = browser_of()
    with django_assert_max_num_queries(100) as queries:
        browser.get(timeline(snapshot.interaction.customer))
    assert not any("face_png" in query["sql"] for query in queries.captured_queries)


def test_the_consent_is_shown_with_when_and_how() -> None:
    customer = CustomerFactory(consenting=False)
    browser = browser_of()
    assert b'data-consent="none"' in browser.get(timeline(customer)).content
    ConsentFactory(customer=customer, obtained_by=Consent.ObtainedBy.WRITTEN, recorded_by__first_name="Ruth")
    page = browser.get(timeline(customer)).content
    assert b'data-consent="granted"' in page
    assert "Signed on paper" in text_of(page)
    assert "recorded by Ruth" in text_of(page)


def test_staff_withdraw_a_consent_after_a_question() -> None:
    snapshot = SnapshotFactory()
    customer, me = snapshot.interaction.customer, UserFactory()
    address = reverse("emotions:withdraw_consent", args=[customer.uuid])
    browser = browser_of(me)
    assert "Withdraw the consent" in text_of(browser.get(address).content)
    assert Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS)
    answer = browser.post(address, {"obtained_by": "written"}, follow=True)
    snapshot.refresh_from_db()
    assert not Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS)
    assert customer.consents.first().recorded_by == me
    assert b'data-consent="withdrawn"' in answer.content
    assert snapshot.status == Snapshot.Status.WITHHELD


def test_staff_record_a_consent() -> None:
    customer = CustomerFactory(consenting=False)
    address = reverse("emotions:record_consent", args=[customer.uuid])
    browser = browser_of()
    assert browser.post(address, {"obtained_by": "telepathy"}).status_code == 200
    assert not Consent.objects.exists()
    browser.post(address, {"obtained_by": "in_person"})
    assert Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS)


def training(customer: Customer) -> bool:
    return Consent.objects.stands_for(customer, Consent.Scope.MODEL_TRAINING)


def test_the_use_for_the_model_is_agreed_to_apart() -> None:
    customer, browser = CustomerFactory(consenting=False), browser_of()
    record, withdraw = (
        reverse(f"emotions:{name}", args=[customer.uuid])
        for name in ("record_training_consent", "withdraw_training_consent")
    )
    browser.post(record, {"obtained_by": "in_person"})
    assert not training(customer)  # training needs the consent to photos too
    browser.post(reverse("emotions:record_consent", args=[customer.uuid]), {"obtained_by": "in_person"})
    assert not training(customer)
    browser.post(record, {"obtained_by": "in_person"})
    assert training(customer)
    assert "Photos may be used to improve the model" in text_of(browser.get(timeline(customer)).content)
    browser.post(withdraw, {"obtained_by": "in_person"})
    assert not training(customer)
    assert Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS)


def test_both_consents_are_recorded_at_once_and_withdrawn_at_once() -> None:
    customer, browser = CustomerFactory(consenting=False), browser_of()
    both = {"obtained_by": "written", "model_training": "on"}
    browser.post(reverse("emotions:record_consent", args=[customer.uuid]), both)
    assert training(customer)
    browser.post(reverse("emotions:withdraw_consent", args=[customer.uuid]), {"obtained_by": "written"})
    browser.post(reverse("emotions:record_consent", args=[customer.uuid]), {"obtained_by": "written"})
    assert not training(customer)


def test_a_status_line_says_that_photos_are_not_analysed(settings: Settings, tmp_path: Path) -> None:
    settings.MODELS_DIR = tmp_path
    page = text_of(browser_of().get(reverse("admin:crm_customer_changelist")).content)
    assert "Photos are not analysed at present: The model file" in page


def test_browsers_are_told_to_load_nothing_from_elsewhere() -> None:
    policy = browser_of().get(timeline(CustomerFactory())).headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
