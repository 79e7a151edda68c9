"""Test the log form, one page for an interaction, its photos and the consent."""

import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from crm.consents.services import record_consent
from crm.models import Consent, Customer, Interaction
from emotions.log import views
from emotions.models import Snapshot
from emotions.uploads import services
from tests.support.factories import CustomerFactory, UserFactory, face, uploaded_bytes
from tests.support.photos import encoded, exif
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


def photo(number: int = 0) -> SimpleUploadedFile:
    return SimpleUploadedFile(f"IMG_{number}.JPG", uploaded_bytes(number))


def form_data(**fields: Any) -> dict[str, Any]:
    now = timezone.localtime().strftime("%Y-%m-%dT%H:%M")
    return {"uuid": str(uuid.uuid4()), "kind": "meeting", "occurred_at": now, "notes": "Talked.", **fields}


def address(customer: Customer) -> str:
    return reverse("emotions:log", args=[customer.uuid])


def log(customer: Customer, browser: Client | None = None, **fields: Any) -> HttpResponse:
    return (browser or browser_of()).post(address(customer), form_data(**fields))  # type: ignore[return-value]


def send(customer: Customer, **fields: Any) -> tuple[int, dict[str, Any]]:
    """Send the form as the page's script does, and return the status and the data of the answer."""
    answer = browser_of().post(address(customer), form_data(**fields), headers=JSON)
    return answer.status_code, answer.json()


def nothing_was_saved(media: Path) -> bool:
    return not (Interaction.objects.exists() or Snapshot.objects.exists() or any(media.rglob("*.*")))


def test_an_interaction_without_photos_needs_no_consent() -> None:
    customer, me = CustomerFactory(consenting=False), UserFactory()
    answer = log(customer, browser_of(me))
    logged = Interaction.objects.get()
    assert (logged.kind, logged.notes, logged.staff, logged.customer) == ("meeting", "Talked.", me, customer)
    timeline = reverse("emotions:timeline", args=[customer.uuid])
    assert answer.headers["Location"] == f"{timeline}?page=1#interaction-{logged.uuid}"


def test_a_photo_from_the_future_gets_the_time_of_the_interaction_and_staff_are_told() -> None:
    customer, browser = CustomerFactory(), browser_of()
    ahead = SimpleUploadedFile("ahead.jpg", encoded(face(), exif=exif(taken="2999:01:01 00:00:00")))
    answer = log(customer, browser, photos=[ahead])
    assert Snapshot.objects.get().captured_at == Interaction.objects.get().occurred_at
    assert answer.headers["Location"].endswith("?page=1")  # the top of the timeline, where the message is
    told = text_of(browser.get(answer.headers["Location"]).content)
    assert "ahead.jpg says it was taken on 01 January 2999 at 00:00, which is in the future." in told


def test_photos_become_snapshots_that_wait() -> None:
    customer = CustomerFactory()
    status, answer = send(customer, photos=[photo(1), photo(2)])
    assert status == 200
    assert answer["location"].startswith(reverse("emotions:timeline", args=[customer.uuid]))
    assert [snapshot.status for snapshot in Snapshot.objects.all()] == ["pending", "pending"]


def test_the_same_photo_twice_is_one_snapshot() -> None:
    send(CustomerFactory(), photos=[photo(1), photo(1)])
    assert Snapshot.objects.count() == 1


def test_one_tick_records_the_consent() -> None:
    customer, me = CustomerFactory(consenting=False), UserFactory()
    log(customer, browser_of(me), photos=[photo()], consent="on", consent_obtained_by="written")
    consent = Consent.objects.get()
    assert (consent.customer, consent.granted, consent.obtained_by, consent.recorded_by) == (
        customer,
        True,
        "written",
        me,
    )
    assert Snapshot.objects.count() == 1


def test_photos_without_consent_are_refused(media: Path) -> None:
    status, answer = send(CustomerFactory(consenting=False), photos=[photo()], consent_obtained_by="in_person")
    assert status == 422
    assert "Photos need the customer's consent" in answer["errors"]["consent"][0]
    assert nothing_was_saved(media)


def test_a_tick_needs_to_say_how() -> None:
    status, answer = send(CustomerFactory(consenting=False), consent="on", consent_obtained_by="")
    assert (status, answer["errors"]) == (422, {"consent_obtained_by": ["Say how the customer agreed."]})


def test_one_bad_photo_saves_none_and_is_named(media: Path) -> None:
    bad, empty = SimpleUploadedFile("notes.jpg", b"not a photo"), SimpleUploadedFile("nothing.jpg", b"")
    status, answer = send(CustomerFactory(), photos=[photo(), bad, empty])
    assert status == 422
    assert [(error["index"], error["message"][:27]) for error in answer["photos"]] == [
        (1, "The file is not a photo in "),
        (2, "The file is empty. Choose t"),
    ]
    assert answer["errors"] == {}
    assert nothing_was_saved(media)


def test_without_scripts_the_page_names_the_bad_photo(media: Path) -> None:
    answer = log(CustomerFactory(), photos=[SimpleUploadedFile("<notes>.jpg", b"not a photo")], notes="Kept.")
    assert answer.status_code == 422
    assert "<notes>.jpg: The file is not a photo" in text_of(answer.content)
    assert b"&lt;notes&gt;.jpg" in answer.content
    assert b"Kept." in answer.content
    assert nothing_was_saved(media)


def test_a_time_in_the_future_is_refused(media: Path) -> None:
    tomorrow = (timezone.localtime() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    status, answer = send(CustomerFactory(), occurred_at=tomorrow, photos=[photo()])
    assert (status, list(answer["errors"])) == (422, ["occurred_at"])
    assert "in the future" in answer["errors"]["occurred_at"][0]
    assert nothing_was_saved(media)


def test_a_time_before_1900_is_refused(media: Path, settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    status, answer = send(CustomerFactory(), occurred_at="0001-01-01T00:00", photos=[photo()])
    assert (status, list(answer["errors"])) == (422, ["occurred_at"])
    assert "before 1900" in answer["errors"]["occurred_at"][0]
    assert nothing_was_saved(media)


@pytest.mark.parametrize(
    ("field", "value"), [("kind", "seance"), ("kind", ""), ("occurred_at", "soon"), ("occurred_at", ""), ("uuid", "7")]
)
def test_a_wrong_field_is_named(field: str, value: str, media: Path) -> None:
    status, answer = send(CustomerFactory(), **{field: value})
    assert (status, list(answer["errors"])) == (422, [field])
    assert nothing_was_saved(media)


def test_too_many_photos_are_refused(settings: Settings, media: Path) -> None:
    settings.MAX_PHOTOS_PER_FORM = 2
    status, answer = send(CustomerFactory(), photos=[photo(number) for number in range(3)])
    assert status == 422
    assert "At most 2 photos can be added at once, and these are 3" in answer["errors"]["photos"][0]
    assert nothing_was_saved(media)


def test_a_photo_over_the_limit_is_refused(settings: Settings) -> None:
    settings.MAX_PHOTO_BYTES = 1000
    _, answer = send(CustomerFactory(), photos=[photo()])
    assert "larger than" in answer["photos"][0]["message"]


def test_a_second_click_logs_no_second_interaction() -> None:
    customer, browser, once = CustomerFactory(), browser_of(), str(uuid.uuid4())
    first = log(customer, browser, uuid=once, photos=[photo()])
    second = log(customer, browser, uuid=once, photos=[photo()])
    assert first.headers["Location"] == second.headers["Location"]
    assert (Interaction.objects.count(), Snapshot.objects.count()) == (1, 1)


def test_of_two_clicks_at_the_same_moment_one_is_logged(monkeypatch: pytest.MonkeyPatch, media: Path) -> None:
    customer, browser, once = CustomerFactory(), browser_of(), str(uuid.uuid4())
    first = log(customer, browser, uuid=once, photos=[photo()])
    # As if the second request had arrived before the first was saved.
    monkeypatch.setattr(views, "_find_logged", lambda *_: None)
    second = log(customer, browser, uuid=once, photos=[photo()])
    assert first.headers["Location"] == second.headers["Location"]
    assert (Interaction.objects.count(), len([*media.rglob("*.jpg")])) == (1, 1)


def test_another_customers_reference_is_refused() -> None:
    once = str(uuid.uuid4())
    log(CustomerFactory(), uuid=once)
    status, answer = send(CustomerFactory(), uuid=once)
    assert status == 422
    assert "Load the page again" in answer["errors"]["__all__"][0]


def test_a_consent_withdrawn_meanwhile_is_noticed(monkeypatch: pytest.MonkeyPatch, media: Path) -> None:
    customer = CustomerFactory()
    stored = services.log_interaction

    def withdrawn_first(*args: Any, **kwargs: Any) -> list[Snapshot]:
        record_consent(customer, granted=False, obtained_by="written", recorded_by=UserFactory())
        return stored(*args, **kwargs)

    monkeypatch.setattr(services, "log_interaction", withdrawn_first)
    status, answer = send(customer, photos=[photo()])
    assert (status, nothing_was_saved(media)) == (422, True)
    assert "withdrawn while you filled in this form" in answer["errors"]["__all__"][0]


def test_a_tick_renews_no_withdrawn_consent(media: Path) -> None:
    customer = CustomerFactory()
    record_consent(customer, granted=False, obtained_by="written", recorded_by=UserFactory())
    for photos in ([photo()], []):  # as if the page had been opened before the withdrawal
        status, answer = send(customer, photos=photos, consent="on", consent_obtained_by="in_person")
        assert (status, nothing_was_saved(media)) == (422, True)
        assert "record the new consent first" in answer["errors"]["__all__"][0]
    assert not Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS)


def test_a_consent_that_is_recorded_and_withdrawn_while_somebody_ticks_stays_withdrawn(
    monkeypatch: pytest.MonkeyPatch, media: Path
) -> None:
    customer = CustomerFactory(consenting=False)
    stored = services.log_interaction

    def others_first(*args: Any, **kwargs: Any) -> list[Snapshot]:
        for granted in (True, False):
            record_consent(customer, granted=granted, obtained_by="written", recorded_by=UserFactory())
        return stored(*args, **kwargs)

    monkeypatch.setattr(services, "log_interaction", others_first)
    status, answer = send(customer, photos=[photo()], consent="on", consent_obtained_by="in_person")
    assert (status, nothing_was_saved(media)) == (422, True)
    assert "withdrawn while you filled in this form" in answer["errors"]["__all__"][0]
    assert not Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS)


def test_an_interaction_without_photos_may_be_logged_after_a_withdrawal() -> None:
    customer = CustomerFactory()
    record_consent(customer, granted=False, obtained_by="written", recorded_by=UserFactory())
    page = browser_of().get(address(customer))
    assert b'name="consent"' not in page.content
    assert reverse("emotions:record_consent", args=[customer.uuid]).encode() in page.content
    assert send(customer)[0] == 200


def test_a_full_disk_is_told_at_the_form(settings: Settings, media: Path) -> None:
    disk = {"BACKEND": "tests.support.full_disk.FullDisk", "OPTIONS": {"room_for": 1}}
    settings.STORAGES = settings.STORAGES | {"default": disk}
    status, answer = send(CustomerFactory(), photos=[photo(1), photo(2)])
    assert status == 503
    assert "could not be stored" in answer["errors"]["photos"][0]
    assert nothing_was_saved(media)


def test_the_form_begins_with_now_and_a_reference_of_its_own() -> None:
    customer, browser = CustomerFactory(), browser_of()
    forms = [browser.get(address(customer)).context["form"] for _ in range(2)]
    assert forms[0]["uuid"].value() != forms[1]["uuid"].value()
    now = timezone.localtime().replace(tzinfo=None)
    assert now - datetime.fromisoformat(str(forms[0]["occurred_at"].value())[:16]) < timedelta(minutes=2)


def test_the_form_asks_for_consent_only_when_there_is_none() -> None:
    browser = browser_of()
    without = browser.get(address(CustomerFactory(consenting=False)))
    assert b'name="consent"' in without.content
    assert "This is voluntary" in text_of(without.content)
    assert "version 2026-11" in text_of(without.content)
    standing = browser.get(address(CustomerFactory()))
    assert b'name="consent"' not in standing.content
    assert "has agreed to photos and their analysis" in text_of(standing.content)
