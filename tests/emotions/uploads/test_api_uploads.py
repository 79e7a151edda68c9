"""Test that photos can be uploaded through the API, and that nothing else can."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pytest_django import Settings

from crm.models import Consent, Interaction, Scope
from emotions.models import Snapshot
from emotions.uploads.api.views import SnapshotViews
from tests.support.accounting import stray_files
from tests.support.api import System
from tests.support.broker import Queue
from tests.support.factories import (
    ConsentFactory,
    CustomerFactory,
    InteractionFactory,
    UserFactory,
    face,
    uploaded_bytes,
)
from tests.support.photos import encoded, exif
from tests.support.requests import NEVER, errors_of, photo

pytestmark = pytest.mark.django_db(transaction=True)


def send(api: System, path: str, *photos: Any, **fields: Any) -> Any:
    return api.post(path, {"photos": list(photos), **fields}, format="multipart")


def snapshots_of(interaction: Interaction) -> str:
    return f"interactions/{interaction.uuid}/snapshots"


def nothing_is_left(media: Path, queue: Queue) -> bool:
    return not (Snapshot.objects.exists() or any(media.rglob("*.*")) or queue.messages())


def test_a_photo_of_an_interaction_is_accepted_and_enqueued(queue: Queue) -> None:
    interaction = InteractionFactory()
    answer = send(System(), snapshots_of(interaction), photo())
    snapshot = Snapshot.objects.get()
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert (answer.json()["interaction"], answer.json()["customer"]) == (
        str(interaction.uuid),
        str(interaction.customer.uuid),
    )
    assert answer.headers["Location"] == f"http://testserver/api/v1/snapshots/{snapshot.uuid}"
    assert len(queue.messages()) == 1


def test_location_leads_to_the_snapshot() -> None:
    api = System()
    answer = send(api, snapshots_of(InteractionFactory()), photo())
    assert api.get(answer.headers["Location"]).json() == answer.json()


def test_several_photos_are_answered_in_their_order() -> None:
    answer = send(System(), snapshots_of(InteractionFactory()), photo(1, "a.jpg"), photo(2, "b.jpg"))
    assert [each["original_name"] for each in answer.json()["results"]] == ["a.jpg", "b.jpg"]
    assert answer.headers["Location"].endswith(answer.json()["results"][0]["id"])


def test_one_bad_photo_keeps_back_the_others_and_is_named(media: Path, queue: Queue) -> None:
    answer = send(System(), snapshots_of(InteractionFactory()), photo(), photo(content=b"no photo"))
    assert errors_of(answer) == {"photos.1": "photo_refused"}
    assert nothing_is_left(media, queue)


def test_the_same_photo_again_is_the_same_snapshot() -> None:
    api, path = System(), snapshots_of(InteractionFactory())
    assert send(api, path, photo()).json()["id"] == send(api, path, photo()).json()["id"]


def test_the_time_of_a_single_photo_may_be_told() -> None:
    taken = timezone.now().replace(microsecond=0) - timedelta(days=3)
    send(System(), snapshots_of(InteractionFactory()), photo(), captured_at=taken.isoformat())
    assert Snapshot.objects.get().captured_at == taken


def test_one_time_for_several_photos_is_refused() -> None:
    answer = send(System(), snapshots_of(InteractionFactory()), photo(1), photo(2), captured_at="2026-01-01T00:00:00Z")
    assert errors_of(answer) == {"captured_at": "mismatch"}


def test_a_time_to_come_is_refused() -> None:
    later = (timezone.now() + timedelta(days=1)).isoformat()
    answer = send(System(), snapshots_of(InteractionFactory()), photo(), captured_at=later)
    assert errors_of(answer) == {"captured_at": "future"}


def photo_from_the_future() -> SimpleUploadedFile:
    return photo(content=encoded(face(), exif=exif(taken="2999:01:01 00:00:00")))


def test_a_given_time_counts_before_a_camera_whose_clock_is_ahead() -> None:
    taken = timezone.now() - timedelta(days=3)
    answer = send(System(), snapshots_of(InteractionFactory()), photo_from_the_future(), captured_at=taken.isoformat())
    assert answer.status_code == 202
    assert Snapshot.objects.get().captured_at == taken


def test_a_camera_whose_clock_is_ahead_leaves_the_time_of_the_interaction() -> None:
    interaction = InteractionFactory(occurred_at=timezone.now() - timedelta(days=3))
    assert send(System(), snapshots_of(interaction), photo_from_the_future()).status_code == 202
    assert Snapshot.objects.get().captured_at == interaction.occurred_at


@pytest.mark.parametrize(
    ("captured_at", "code"), [("0001-01-01T00:00:00Z", "too_early"), ("9999-12-31T23:59:59Z", "future")]
)
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_a_time_at_the_end_of_the_calendar_is_refused(
    captured_at: str, code: str, zone: str, settings: Settings
) -> None:
    settings.TIME_ZONE = zone
    answer = send(System(), snapshots_of(InteractionFactory()), photo(), captured_at=captured_at)
    assert (answer.status_code, errors_of(answer)) == (422, {"captured_at": code})


def test_an_interaction_before_1900_is_refused(media: Path, queue: Queue) -> None:
    customer = str(CustomerFactory().uuid)
    answer = send(System(), "snapshots", photo(), customer=customer, occurred_at="0001-01-01T00:00:00Z")
    assert (answer.status_code, errors_of(answer)) == (422, {"occurred_at": "too_early"})
    assert nothing_is_left(media, queue)


def test_who_waits_for_the_result_goes_ahead_of_who_does_not(queue: Queue) -> None:
    api, interaction = System(), InteractionFactory()
    send(api, snapshots_of(interaction), photo(1))
    send(api, "snapshots", photo(2), customer=str(interaction.customer.uuid))
    send(api, f"{snapshots_of(interaction)}?wait=1", photo(3))
    assert list(Snapshot.objects.order_by("pk").values_list("makes_way", flat=True)) == [True, True, False]


def test_without_consent_nothing_is_stored(media: Path, queue: Queue) -> None:
    interaction = InteractionFactory(customer=CustomerFactory(consenting=False))
    answer = send(System(), snapshots_of(interaction), photo())
    assert (answer.status_code, answer.json()["code"]) == (409, "consent_missing")
    assert nothing_is_left(media, queue)


def test_a_full_disk_is_told_and_leaves_nothing(media: Path, queue: Queue, settings: Settings) -> None:
    disk = {"BACKEND": "tests.support.full_disk.FullDisk", "OPTIONS": {"room_for": 1}}
    settings.STORAGES = settings.STORAGES | {"default": disk}
    answer = send(System(), "snapshots", photo(1), photo(2), customer=str(CustomerFactory().uuid))
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert nothing_is_left(media, queue)
    assert not Interaction.objects.exists()


def test_after_a_full_disk_the_key_may_be_used_with_other_photos(settings: Settings) -> None:
    api, path = System(), snapshots_of(InteractionFactory())
    api.defaults["HTTP_IDEMPOTENCY_KEY"] = "k1"
    whole, full = settings.STORAGES, {"BACKEND": "tests.support.full_disk.FullDisk"}
    settings.STORAGES = whole | {"default": full}
    assert send(api, path, photo(1)).json()["code"] == "storage_unavailable"
    settings.STORAGES = whole
    assert send(api, path, photo(2)).status_code == 202


def test_after_an_error_of_ours_the_key_stands_for_the_same_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    api, customer = System(), CustomerFactory()
    api.defaults["HTTP_IDEMPOTENCY_KEY"] = "k1"

    def break_off(self: SnapshotViews, snapshots: Any, wait: int) -> None:
        raise RuntimeError("after the photos were stored")

    with monkeypatch.context() as broken:
        broken.setattr(SnapshotViews, "uploaded", break_off)
        assert send(api, "snapshots", photo(1), customer=str(customer.uuid)).status_code == 500
    other = send(api, "snapshots", photo(2), customer=str(customer.uuid))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert send(api, "snapshots", photo(1), customer=str(customer.uuid)).status_code == 202
    assert (Interaction.objects.count(), Snapshot.objects.count()) == (1, 1)


def test_a_full_disk_for_what_comes_in_is_told(settings: Settings, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "gone")
    answer = send(System(), snapshots_of(InteractionFactory()), photo())
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")


def test_photos_with_a_customer_of_another_system_make_their_interaction() -> None:
    customer, api = CustomerFactory(source="hubspot", external_id="7"), System()
    answer = send(api, "snapshots", photo(), source="hubspot", external_id="7", kind="meeting", notes="Asked.")
    interaction = Interaction.objects.get()
    assert answer.json()["interaction"] == str(interaction.uuid)
    assert (interaction.customer, interaction.kind, interaction.notes) == (customer, "meeting", "Asked.")
    assert interaction.staff == api.user


def test_the_consent_just_given_is_recorded() -> None:
    customer, api = CustomerFactory(consenting=False), System()
    answer = send(api, "snapshots", photo(), customer=str(customer.uuid), consent_obtained_by="written")
    assert answer.status_code == 202
    consent = Consent.objects.get(customer=customer)
    assert (consent.granted, consent.obtained_by, consent.recorded_by) == (True, "written", api.user)


def test_recording_a_consent_needs_the_right_to_write_customers() -> None:
    customer = CustomerFactory(consenting=False)
    api = System(Scope.SNAPSHOTS_WRITE)
    answer = send(api, "snapshots", photo(), customer=str(customer.uuid), consent_obtained_by="written")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert "customers:write" in answer.json()["detail"]
    assert not Interaction.objects.exists()


@pytest.mark.parametrize(
    ("named", "wrong"),
    [
        ({}, {"customer": "incomplete"}),
        ({"source": "crm"}, {"customer": "incomplete"}),
        ({"customer": NEVER, "external_id": "7"}, {"customer": "does_not_exist"}),
        ({"source": "crm", "external_id": "7"}, {"external_id": "does_not_exist"}),
        ({"source": "crm", "external_id": "7\0"}, {"external_id": "null_characters_not_allowed"}),
        ({"customer": "7"}, {"customer": "invalid"}),
        ({"kind": "duel", "source": "crm", "external_id": "7"}, {"kind": "invalid_choice"}),
        ({"url": "http://example.com/a.jpg"}, {"url": "unknown"}),
    ],
)
def test_wrong_fields_are_named(named: dict[str, str], wrong: dict[str, str]) -> None:
    assert errors_of(send(System(), "snapshots", photo(), **named)) == wrong
    assert not Interaction.objects.exists()


def test_customers_out_of_reach_are_not_there() -> None:
    foreign = CustomerFactory(owner=UserFactory(), source="crm", external_id="7")
    api = System()
    assert send(api, snapshots_of(InteractionFactory(customer=foreign)), photo()).status_code == 404
    assert errors_of(send(api, "snapshots", photo(), customer=str(foreign.uuid))) == {"customer": "does_not_exist"}
    assert errors_of(send(api, "snapshots", photo(), source="crm", external_id="7")) == {
        "external_id": "does_not_exist"
    }


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x00" * 1000, b"<svg xmlns='http://www.w3.org/2000/svg'/>"])
def test_what_is_no_photo_is_refused(content: bytes) -> None:
    answer = send(System(), snapshots_of(InteractionFactory()), photo(content=content))
    assert errors_of(answer) == {"photos.0": "photo_refused"}
    assert answer.status_code == 422


def test_text_instead_of_a_file_is_refused() -> None:
    answer = send(System(), snapshots_of(InteractionFactory()), "/etc/passwd")
    assert errors_of(answer) == {"photos.0": "invalid"}


def test_a_form_without_photos_is_refused() -> None:
    answer = System().post(snapshots_of(InteractionFactory()), {}, format="multipart")
    assert errors_of(answer) == {"photos": "required"}


@pytest.mark.parametrize("count", [21, 101])
def test_too_many_photos_are_refused(count: int) -> None:
    few_bytes = [photo(content=b"x") for _ in range(count)]
    answer = send(System(), snapshots_of(InteractionFactory()), *few_bytes)
    assert errors_of(answer) == {"photos": "max_length"}


def test_a_photo_that_is_too_large_is_refused(settings: Settings) -> None:
    settings.MAX_PHOTO_BYTES = len(uploaded_bytes()) - 1
    answer = send(System(), snapshots_of(InteractionFactory()), photo())
    assert errors_of(answer) == {"photos.0": "photo_refused"}


def test_a_request_that_is_too_large_is_not_even_read() -> None:
    answer = System().generic(
        "POST", snapshots_of(InteractionFactory()), b"", "multipart/form-data; boundary=x", CONTENT_LENGTH=10**9
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


def test_fields_that_are_too_large_are_refused() -> None:
    answer = send(System(), "snapshots", photo(), notes="x" * 6_000_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


def test_too_many_fields_are_refused() -> None:
    answer = send(System(), "snapshots", photo(), **{f"field{number}": "" for number in range(2000)})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data", b"--x\r\n\r\n--x--", 400),
        ("multipart/form-data; boundary=\xe9", b"--x--", 400),
        ("multipart/form-data; boundary=x", b"--y\r\nContent-Disposition: form-data; name=photos\r\n\r\n", 400),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=photos; filen", 400),
        ("multipart/form-data; boundary=x; charset=nonsense", b"--x--", 400),
        ("application/json", b'{"photos": ["file:///etc/passwd"]}', 415),
        ("image/jpeg", b"\xff\xd8", 415),
    ],
)
def test_broken_forms_are_refused(content_type: str, body: bytes, status: int) -> None:
    answer = System().generic("POST", snapshots_of(InteractionFactory()), body, content_type)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")


def test_a_file_name_is_never_a_path(media: Path) -> None:
    given = SimpleUploadedFile("x.jpg", uploaded_bytes())
    given._name = "../../etc/\0cron\u202e.jpg"  # type: ignore[attr-defined]  # its setter would clean it
    answer = send(System(), snapshots_of(InteractionFactory()), given)
    assert answer.json()["original_name"] == "cron.jpg"
    assert [file.parents[3] for file in media.rglob("*.jpg")] == [media / "snapshots"]


def test_a_consent_withdrawn_meanwhile_counts(media: Path) -> None:
    api, interaction = System(), InteractionFactory()
    send(api, snapshots_of(interaction), photo(1))
    api.post(
        "consents",
        {
            "customer": str(interaction.customer.uuid),
            "scope": "emotion_analysis",
            "granted": False,
            "obtained_by": "written",
        },
        format="json",
    )
    assert [each["status"] for each in api.get(snapshots_of(interaction)).json()["results"]] == ["withheld"]
    assert send(api, snapshots_of(interaction), photo(2)).json()["code"] == "consent_withdrawn"
    assert not stray_files(media)


def test_an_upload_that_claims_a_consent_renews_no_withdrawn_one(media: Path, queue: Queue) -> None:
    api, customer = System(), CustomerFactory(source="hubspot", external_id="4711")
    said = {"customer": str(customer.uuid), "scope": "emotion_analysis", "obtained_by": "written"}
    api.post("consents", {**said, "granted": False}, format="json")
    upload = {"source": "hubspot", "external_id": "4711", "consent_obtained_by": "in_person"}
    refused = send(api, "snapshots", photo(), **upload)
    assert (refused.status_code, refused.json()["code"]) == (409, "consent_withdrawn")
    assert "POST /consents" in refused.json()["detail"]
    assert not Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS)
    assert not Interaction.objects.exists()
    assert nothing_is_left(media, queue)
    api.post("consents", {**said, "granted": True}, format="json")
    assert send(api, "snapshots", photo(), **upload).status_code == 202


def test_a_repeated_upload_renews_no_consent_that_was_withdrawn_after_the_first() -> None:
    api, customer = System(), CustomerFactory(consenting=False)
    upload = {"customer": str(customer.uuid), "consent_obtained_by": "in_person"}
    api.credentials(HTTP_IDEMPOTENCY_KEY="visit-17")
    assert send(api, "snapshots", photo(), **upload).status_code == 202
    ConsentFactory(customer=customer, granted=False)
    send(api, "snapshots", photo(), **upload)
    assert not Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS)


def test_agreeing_anew_analyses_the_same_photo_anew() -> None:
    api, interaction = System(), InteractionFactory()
    first = send(api, snapshots_of(interaction), photo())
    ConsentFactory(customer=interaction.customer, granted=False)
    Snapshot.objects.get().withhold()
    ConsentFactory(customer=interaction.customer)
    again = send(api, snapshots_of(interaction), photo())
    assert (again.json()["id"], again.json()["status"]) == (first.json()["id"], "pending")
