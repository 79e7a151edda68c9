"""Test the actions of staff on snapshots, and that a failed one leaves nothing behind."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from crm.consents.services import record_consent
from crm.models import Consent, Customer, Interaction
from emotions.corrections.services import choose_subject
from emotions.models import EmotionRecord, Snapshot
from emotions.snapshots.photos import PhotoRefused
from emotions.uploads.services import (
    ConsentMissing,
    ConsentWithdrawn,
    StorageUnavailable,
    add_snapshot,
    log_interaction,
    retry,
)
from tests.support.accounting import statuses, stray_files
from tests.support.broker import Message, Queue
from tests.support.factories import (
    ConsentFactory,
    CustomerFactory,
    EmotionRecordFactory,
    InteractionFactory,
    SnapshotFactory,
    UserFactory,
    face,
    stored_bytes,
    uploaded_photo,
)
from tests.support.threads import at_once, in_thread

pytestmark = pytest.mark.django_db(transaction=True)
Status = Snapshot.Status


def withdraw(customer: Customer) -> None:
    record_consent(customer, granted=False, obtained_by="written", recorded_by=UserFactory())


def disk_with_room_for(settings: Settings, count: int) -> None:
    disk = {"BACKEND": "tests.support.full_disk.FullDisk", "OPTIONS": {"room_for": count}}
    settings.STORAGES = settings.STORAGES | {"default": disk}


def nothing_is_left(media: Path, queue: Queue) -> bool:
    return not (Snapshot.objects.exists() or any(media.rglob("*.*")) or queue.messages())


def test_a_photo_becomes_a_pending_snapshot_with_its_file_and_one_message(media: Path, queue: Queue) -> None:
    interaction = InteractionFactory()
    snapshot = add_snapshot(interaction, uploaded_photo())
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.attempts) == (Status.PENDING, 0)
    assert (snapshot.width, snapshot.height) == face().size
    assert snapshot.captured_at == interaction.occurred_at
    assert snapshot.original_name == "IMG_0.JPG"
    assert snapshot.file.read() == stored_bytes()
    assert queue.messages() == [Message("emotions.analysis.tasks.analyse_snapshots", [])]
    assert not stray_files(media)


def test_nobody_else_can_read_or_guess_the_file() -> None:
    first, second = (add_snapshot(InteractionFactory(), uploaded_photo()) for _ in range(2))
    assert first.file.name != second.file.name
    assert "IMG" not in first.file.path
    assert Path(first.file.path).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("history", [[], [True, False]])
def test_without_a_standing_consent_nothing_is_stored(media: Path, queue: Queue, history: list[bool]) -> None:
    interaction = InteractionFactory(customer__consenting=False)
    for granted in history:
        ConsentFactory(customer=interaction.customer, granted=granted)
    with pytest.raises(ConsentMissing):
        add_snapshot(interaction, uploaded_photo())
    assert nothing_is_left(media, queue)


def test_a_time_in_the_future_is_refused(media: Path, queue: Queue) -> None:
    with pytest.raises(PhotoRefused, match="future"):
        add_snapshot(InteractionFactory(), uploaded_photo(), captured_at=timezone.now() + timedelta(hours=1))
    assert nothing_is_left(media, queue)


def test_an_interaction_planned_for_tomorrow_does_not_date_the_photo() -> None:
    interaction = InteractionFactory(occurred_at=timezone.now() + timedelta(days=1))
    assert add_snapshot(interaction, uploaded_photo()).captured_at <= timezone.now()


def test_the_same_photo_again_is_the_same_snapshot(media: Path) -> None:
    interaction = InteractionFactory()
    assert add_snapshot(interaction, uploaded_photo()) == add_snapshot(interaction, uploaded_photo())
    assert (len(statuses()), stray_files(media)) == (1, set())


def test_the_same_photo_from_several_people_at_once_is_one_snapshot(media: Path, queue: Queue) -> None:
    interaction = InteractionFactory()
    added = at_once(lambda: add_snapshot(interaction, uploaded_photo()), times=4)
    assert len(set(added)) == 1
    assert (len(statuses()), stray_files(media)) == (1, set())


def test_an_interaction_is_logged_with_its_photos_and_the_consent(media: Path, queue: Queue) -> None:
    by = UserFactory()
    interaction = Interaction(customer=CustomerFactory(consenting=False), notes="Bought a chair.")
    log_interaction(interaction, [uploaded_photo(1), uploaded_photo(2)], consent_obtained_by="in_person", by=by)
    assert Interaction.objects.get().staff == by
    assert Consent.objects.get().recorded_by == by
    assert queue.messages() == [Message("emotions.analysis.tasks.analyse_snapshots", [])]
    assert not stray_files(media)


def test_an_interaction_without_photos_needs_no_consent(queue: Queue) -> None:
    interaction = Interaction(customer=CustomerFactory(consenting=False))
    assert log_interaction(interaction, [], consent_obtained_by=None, by=UserFactory()) == []
    assert Interaction.objects.exists()
    assert queue.messages() == []


def test_a_refused_photo_takes_the_whole_interaction_with_it(media: Path, queue: Queue) -> None:
    interaction = Interaction(customer=CustomerFactory(consenting=False))
    with pytest.raises(ConsentMissing):
        log_interaction(interaction, [uploaded_photo()], consent_obtained_by=None, by=UserFactory())
    assert not Interaction.objects.exists()
    assert nothing_is_left(media, queue)


def test_a_full_disk_leaves_no_row_no_file_and_no_message(settings: Settings, media: Path, queue: Queue) -> None:
    disk_with_room_for(settings, 1)
    interaction = Interaction(customer=CustomerFactory(consenting=False))
    with pytest.raises(StorageUnavailable, match="Nothing was saved"):
        log_interaction(
            interaction, [uploaded_photo(1), uploaded_photo(2)], consent_obtained_by="written", by=UserFactory()
        )
    assert not Interaction.objects.exists()
    assert not Consent.objects.exists()
    assert nothing_is_left(media, queue)


def test_a_web_server_that_is_stopped_after_the_commit_loses_no_photo(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(task: object) -> None:
        raise SystemExit("as gunicorn's worker, when a request takes too long")

    monkeypatch.setattr("jobs.dispatch.announce", stopped)
    with pytest.raises(SystemExit):
        add_snapshot(InteractionFactory(), uploaded_photo())
    assert statuses() == [Status.PENDING]
    assert not stray_files(media)


def test_withdrawing_consent_ends_what_is_unfinished_and_deletes_its_photos(media: Path, queue: Queue) -> None:
    waiting = add_snapshot(InteractionFactory(), uploaded_photo(1))
    customer = waiting.interaction.customer
    analysing = SnapshotFactory(interaction=waiting.interaction)
    claim = Snapshot.objects.filter(pk=analysing.pk).claim_next()
    done = SnapshotFactory(interaction=waiting.interaction, analysed=True)
    others = SnapshotFactory()
    withdraw(customer)
    assert statuses() == [Status.WITHHELD, Status.WITHHELD, Status.ANALYSED, Status.PENDING]
    assert claim
    assert not Snapshot.objects.held_by(claim).exists()
    assert {file.name for file in media.rglob("*.jpg")} == {Path(each.file.name).name for each in (done, others)}
    assert not stray_files(media)


def test_a_withdrawal_that_is_rolled_back_keeps_the_photo(media: Path) -> None:
    snapshot = SnapshotFactory()
    with transaction.atomic():
        withdraw(snapshot.interaction.customer)
        transaction.set_rollback(True)
    assert statuses() == [Status.PENDING]
    assert not stray_files(media)


def test_withdrawing_the_consent_to_something_else_withholds_nothing() -> None:
    snapshot = SnapshotFactory()
    record_consent(
        snapshot.interaction.customer,
        granted=False,
        obtained_by="online",
        recorded_by=UserFactory(),
        scope="newsletter",
    )
    assert statuses() == [Status.PENDING]


def test_a_withheld_photo_may_be_added_again_once_there_is_consent(media: Path, queue: Queue) -> None:
    first = add_snapshot(InteractionFactory(), uploaded_photo())
    withdraw(first.interaction.customer)
    with pytest.raises(ConsentMissing):
        add_snapshot(first.interaction, uploaded_photo())
    ConsentFactory(customer=first.interaction.customer)
    again = add_snapshot(first.interaction, uploaded_photo())
    assert again == first
    assert (statuses(), again.file.read(), stray_files(media)) == ([Status.PENDING], stored_bytes(), set())
    assert len(queue.messages()) == 2


def test_adding_and_withdrawing_at_once_leaves_nothing_unfinished_without_consent(media: Path) -> None:
    interaction = InteractionFactory()
    for number in range(4):
        ConsentFactory(customer=interaction.customer)
        adding = in_thread(lambda number=number: add_snapshot(interaction, uploaded_photo(number)))  # type: ignore[misc]
        withdraw(interaction.customer)
        try:
            adding.result()
        except ConsentMissing:
            assert Snapshot.objects.count() <= number
    assert set(statuses()) <= {Status.WITHHELD}
    assert not stray_files(media)


def test_photos_and_a_withdrawal_at_once_leave_no_consent_that_came_with_the_photos() -> None:
    customer = CustomerFactory()
    for number in range(4):
        ConsentFactory(customer=customer)

        def claiming(number: int = number) -> list[Snapshot]:
            interaction = Interaction(customer=customer)
            return log_interaction(
                interaction, [uploaded_photo(number)], consent_obtained_by="in_person", by=UserFactory()
            )

        adding = in_thread(claiming)
        withdraw(customer)
        with suppress(ConsentWithdrawn):
            adding.result()
        assert not Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS)


def test_deleting_a_customer_deletes_their_photos(media: Path) -> None:
    snapshot = SnapshotFactory(analysed=True)
    SnapshotFactory(withheld=True, interaction=snapshot.interaction)
    kept = SnapshotFactory()
    snapshot.interaction.customer.delete()
    assert list(Snapshot.objects.all()) == [kept]
    assert not stray_files(media)


def test_a_deletion_that_is_rolled_back_keeps_the_photos(media: Path) -> None:
    snapshot = SnapshotFactory()
    with transaction.atomic():
        snapshot.interaction.customer.delete()
        transaction.set_rollback(True)
    assert statuses() == [Status.PENDING]
    assert not stray_files(media)


def test_a_failed_snapshot_is_retried_as_new(queue: Queue) -> None:
    snapshot = SnapshotFactory(failed=True)
    assert retry(snapshot)
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.error, snapshot.attempts) == (Status.PENDING, "", 0)
    assert queue.messages() == [Message("emotions.analysis.tasks.analyse_snapshots", [])]


def test_of_two_who_retry_at_once_one_does(queue: Queue) -> None:
    snapshot = SnapshotFactory(failed=True)
    assert sorted(at_once(lambda: retry(snapshot))) == [False, True]
    assert len(queue.messages()) == 1


@pytest.mark.parametrize("trait", ["analysed", "no_face", "withheld"])
def test_only_what_failed_is_retried(queue: Queue, trait: str) -> None:
    assert not retry(SnapshotFactory(**{trait: True}))
    assert statuses() == [trait]
    assert not queue.messages()


def test_a_retry_needs_the_consent_that_still_stands() -> None:
    snapshot = SnapshotFactory(failed=True)
    ConsentFactory(customer=snapshot.interaction.customer, granted=False)
    with pytest.raises(ConsentMissing):
        retry(snapshot)
    assert statuses() == [Status.FAILED]


def test_another_face_may_be_the_customer() -> None:
    largest = EmotionRecordFactory()
    other = EmotionRecordFactory(snapshot=largest.snapshot, face_index=1)
    choose_subject(other)
    assert list(EmotionRecord.objects.of_subjects()) == [other]
    choose_subject(largest)
    assert list(EmotionRecord.objects.of_subjects()) == [largest]
