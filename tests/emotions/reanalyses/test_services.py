"""Test re-analyses: which photos a run covers, which it leaves alone, and how each one ends."""

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection
from django.db.models.signals import post_delete
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from crm.consents.services import record_consent
from emotions.analysis import services as analysis
from emotions.answers.queries import answer
from emotions.corrections import services as corrections
from emotions.model_management.queries import models_page
from emotions.model_management.services import activate
from emotions.models import EmotionCorrection, EmotionRecord, ModelVersion, Reanalysis, Snapshot
from emotions.reanalyses import worker as rerun
from emotions.reanalyses.services import NothingToDo, reanalyse_customer, reanalyse_everything, reanalyse_snapshot, stop
from jobs.tasks import sweep
from ml.errors import ModelUnavailable
from ml.labels import Emotion
from ml.registry import load_card
from tests.support.accounting import statuses
from tests.support.analysing import reanalyse
from tests.support.broker import Queue
from tests.support.databases import on_sqlite, somebody_waits_for_a_lock
from tests.support.factories import (
    EmotionRecordFactory,
    ModelVersionFactory,
    SnapshotFactory,
    UserFactory,
    face,
    face_photo,
    faceless_photo,
    jpeg,
)
from tests.support.small_model import small_classifier, write_model
from tests.support.threads import at_once, in_thread
from tests.support.waiting import DEADLINE, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
Status = Reanalysis.Status
LONG_AGO = timezone.now() - timedelta(days=1)


@pytest.fixture(autouse=True)
def models(settings: Settings, tmp_path: Path) -> Path:
    """Return a folder with two models, of which "newer" is active."""
    settings.MODELS_DIR = tmp_path / "models"
    write_model(settings.MODELS_DIR / "reference-cnn", small_classifier())
    write_model(settings.MODELS_DIR / "newer", small_classifier(scale=0.03))
    activate("newer", load_card("newer", settings.MODELS_DIR).fingerprint, UserFactory())
    return tmp_path / "models"


@pytest.fixture
def newer(models: Path) -> ModelVersion:
    return ModelVersion.objects.of(load_card("newer", models))


def everything(*, only_missing: bool = False) -> Reanalysis:
    return reanalyse_everything(UserFactory(), only_missing=only_missing)


def ran(run: Reanalysis) -> Reanalysis:
    """Do the run as a worker would, and return it."""
    reanalyse()
    run.refresh_from_db()
    return run


def counts(run: Reanalysis) -> tuple[str, int, int, int, int]:
    return run.status, run.total, run.done, run.failed, run.withheld


def test_new_answers_count_and_old_ones_stay(newer: ModelVersion) -> None:
    old = SnapshotFactory(analysed=True).records.get()
    run = ran(everything())
    assert counts(run) == ("done", 1, 1, 0, 0)
    snapshot = Snapshot.objects.get()
    assert (snapshot.status, snapshot.model_version) == ("analysed", newer)
    assert EmotionRecord.objects.current().get().model_version == newer
    assert EmotionRecord.objects.filter(pk=old.pk).exists()


def test_corrections_are_untouched() -> None:
    record = SnapshotFactory(analysed=True).records.get()
    EmotionCorrection.objects.create(record=record, emotion="sad", corrected_by=UserFactory())
    ran(everything())
    assert EmotionCorrection.objects.get().record == record


def test_each_scope_covers_its_photos(newer: ModelVersion) -> None:
    mine = SnapshotFactory(analysed=True)
    SnapshotFactory(analysed=True, interaction=mine.interaction)
    SnapshotFactory(no_face=True)
    SnapshotFactory(analysed=True, model_version=newer)
    SnapshotFactory(no_face=True, model_version=newer)
    SnapshotFactory(failed=True)
    SnapshotFactory(withheld=True)
    SnapshotFactory()
    by = UserFactory()
    runs = [
        reanalyse_snapshot(mine, by),
        reanalyse_customer(mine.interaction.customer, by),
        everything(only_missing=True),
    ]
    assert [run.total for run in runs] == [1, 2, 3]
    stop(runs[2])
    assert everything().total == 4  # it includes the photo in which this model found no face


def test_a_photo_that_was_answered_by_this_model_is_not_answered_twice(models: Path, newer: ModelVersion) -> None:
    snapshot = SnapshotFactory(analysed=True)
    ran(everything())
    activate("reference-cnn", load_card("reference-cnn", models).fingerprint, UserFactory())
    ran(everything())
    activate("newer", newer.fingerprint, UserFactory())
    Path(snapshot.file.path).unlink()  # nothing needs to read the file again
    assert counts(ran(everything())) == ("done", 1, 1, 0, 0)
    assert EmotionRecord.objects.filter(model_version=newer).count() == 1
    assert Snapshot.objects.get().model_version == newer


def test_after_a_rollback_amid_a_run_the_active_models_answers_come_back(models: Path, newer: ModelVersion) -> None:
    for number in range(3):
        SnapshotFactory(analysed=True, photo=face_photo(f"rolled back {number}"))
    ran(everything())
    activate("reference-cnn", load_card("reference-cnn", models).fingerprint, UserFactory())
    run = everything()
    turn = Reanalysis.objects.claim_next()
    assert turn
    rerun.go_on(turn)  # analyses one photo
    stop(run)
    assert Snapshot.objects.exclude(model_version=newer).count() == 1
    activate("newer", newer.fingerprint, UserFactory())
    assert models_page(models).photos_of_others == 1
    assert counts(ran(everything(only_missing=True))) == ("done", 1, 1, 0, 0)
    assert set(Snapshot.objects.values_list("model_version", flat=True)) == {newer.pk}
    assert EmotionRecord.objects.filter(model_version=newer).count() == 3  # the earlier records are current again
    for snapshot in Snapshot.objects.all():
        record = snapshot.records.get(model_version=newer)
        assert (snapshot.sentiment_point.emotion, snapshot.sentiment_point.valence) == (
            answer(record).emotion or "",
            record.valence,
        )
    assert models_page(models).photos_of_others == 0
    with pytest.raises(NothingToDo):
        everything(only_missing=True)


def test_a_face_may_be_found_where_none_was_and_none_where_one_was() -> None:
    SnapshotFactory(no_face=True, photo=face_photo("now found"))
    SnapshotFactory(analysed=True, photo=faceless_photo("now lost"))
    ran(everything())
    assert statuses() == ["analysed", "no_face"]


def test_without_consent_a_photo_is_left_alone() -> None:
    snapshot = SnapshotFactory(analysed=True)
    customer = snapshot.interaction.customer
    record_consent(customer, granted=False, obtained_by="written", recorded_by=UserFactory())
    assert counts(ran(everything())) == ("done", 1, 0, 0, 1)
    assert EmotionRecord.objects.count() == 1
    snapshot.refresh_from_db()
    assert (snapshot.status, bool(snapshot.file)) == ("analysed", True)


@pytest.mark.parametrize("content", [None, b"something overwrote it"])
def test_a_photo_that_fails_keeps_its_earlier_answer(content: bytes | None) -> None:
    broken, whole = SnapshotFactory(analysed=True), SnapshotFactory(analysed=True)
    earlier = broken.model_version
    Path(broken.file.path).unlink()
    if content:
        Path(broken.file.path).write_bytes(content)
    assert counts(ran(everything())) == ("done", 2, 1, 1, 0)
    broken.refresh_from_db()
    whole.refresh_from_db()
    assert (broken.status, broken.model_version) == ("analysed", earlier)
    assert whole.model_version != earlier


def test_scores_that_the_database_refuses_leave_the_earlier_answer(models: Path) -> None:
    snapshot = SnapshotFactory(analysed=True)
    write_model(models / "mad", small_classifier(scale=3e37))  # these weights make scores that are not numbers
    activate("mad", load_card("mad", models).fingerprint, UserFactory())
    assert counts(ran(everything())) == ("done", 1, 0, 1, 0)
    assert EmotionRecord.objects.get().model_version == snapshot.model_version


def test_a_photo_that_fails_once_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    SnapshotFactory(analysed=True)
    whole, errors = corrections.carry_over, [RuntimeError("deadlock detected")]

    def fail_first(*args: Any) -> None:
        if errors:
            raise errors.pop()
        whole(*args)

    monkeypatch.setattr(rerun, "carry_over", fail_first)
    assert counts(ran(everything())) == ("done", 1, 1, 0, 0)


def test_a_run_waits_for_a_storage_that_is_away(monkeypatch: pytest.MonkeyPatch, queue: Queue) -> None:
    SnapshotFactory(analysed=True), SnapshotFactory(analysed=True)
    run = everything()
    queue.take()
    with monkeypatch.context() as away:
        away.setattr(FileSystemStorage, "_open", raising(ConnectionError("The bucket cannot be reached")))
        assert counts(ran(run)) == ("waiting", 2, 0, 0, 0)
    assert (run.attempts, run.claim_token) == (0, None)
    sweep()
    assert not queue.messages()  # the run is not due again yet
    Reanalysis.objects.update(due_at=LONG_AGO)
    sweep()
    queue.work()
    run.refresh_from_db()
    assert counts(run) == ("done", 2, 2, 0, 0)


def raising(error: Exception) -> Callable[..., None]:
    def function(*_: object, **__: object) -> None:
        raise error

    return function


def test_a_face_in_which_a_person_saw_something_is_not_lost(newer: ModelVersion) -> None:
    seen = SnapshotFactory(analysed=True, photo=faceless_photo("found by an earlier detector"))
    earlier = seen.records.get()
    corrections.correct(earlier, Emotion.SAD, UserFactory())
    assert counts(ran(everything())) == ("done", 1, 0, 1, 0)
    seen.refresh_from_db()
    assert (seen.status, seen.model_version) == ("analysed", earlier.model_version)
    assert not EmotionRecord.objects.filter(model_version=newer).exists()


@pytest.mark.skipif(on_sqlite(), reason="SQLite has one lock for everything")
def test_a_deletion_and_a_worker_do_not_wait_for_each_other() -> None:
    snapshot = SnapshotFactory(analysed=True)
    run = everything()
    analysis.pipeline()
    deleting, waiting = threading.Event(), threading.Event()

    def hold(**_: object) -> None:
        deleting.set()
        assert waiting.wait(DEADLINE)

    post_delete.connect(hold, sender=EmotionRecord)
    try:
        deletion = in_thread(snapshot.interaction.customer.delete)
        assert deleting.wait(DEADLINE)
        worker = in_thread(reanalyse)
        wait_until(somebody_waits_for_a_lock, "the worker waits")
        waiting.set()
        deletion.result()
        worker.result()
    finally:
        post_delete.disconnect(hold, sender=EmotionRecord)
    assert not Snapshot.objects.exists()
    run.refresh_from_db()
    assert counts(run) == ("done", 1, 0, 0, 0)


def test_the_face_that_staff_chose_stays_the_customer() -> None:
    pair = jpeg_of_two()
    snapshot = SnapshotFactory(analysed=True, photo=pair)
    right, left = analysed_boxes(pair)
    EmotionRecord.objects.all().delete()
    EmotionRecordFactory(snapshot=snapshot, face_index=0, is_subject=False, **right)
    EmotionRecordFactory(snapshot=snapshot, face_index=1, is_subject=True, **left)
    ran(everything())
    chosen = EmotionRecord.objects.current().of_subjects().get()
    assert (chosen.face_index, abs(chosen.box_x - left["box_x"]) < 3) == (1, True)


def test_the_largest_face_is_the_customer_when_the_chosen_one_is_not_found_again() -> None:
    snapshot = SnapshotFactory(analysed=True, photo=jpeg_of_two())
    EmotionRecord.objects.update(box_x=0, box_y=0, box_width=20, box_height=20)
    ran(everything())
    assert snapshot.records.current().get(is_subject=True).face_index == 0


def jpeg_of_two() -> bytes:
    pair = Image.new("RGB", (400, 260))
    pair.paste(face().resize((144, 180)), (0, 40))
    pair.paste(face(), (200, 10))
    return jpeg(pair)


def analysed_boxes(photo: bytes) -> list[dict[str, int]]:
    boxes = [face.detection.box for face in analysis.pipeline().analyze(photo).faces]
    return [{"box_x": box.x, "box_y": box.y, "box_width": box.width, "box_height": box.height} for box in boxes]


def test_new_photos_come_first(queue: Queue) -> None:
    SnapshotFactory(analysed=True)
    run = everything()
    SnapshotFactory()
    queue.take()
    assert counts(ran(run)) == ("waiting", 1, 0, 0, 0)
    sweep()  # the sweep does not resume the run while a photo waits
    assert [message.task for message in queue.messages()] == ["emotions.analysis.tasks.analyse_snapshots"]
    queue.work()
    assert [message.task.rpartition(".")[2] for message in queue.messages()] == ["go_on_reanalysing"]
    queue.work()
    run.refresh_from_db()
    assert run.status == Status.DONE


def test_a_photo_added_while_it_runs_is_overtaken_by_nobody(queue: Queue) -> None:
    """The worker looks for new photos before each photo, not only before each message."""
    snapshots = [SnapshotFactory(analysed=True) for _ in range(3)]
    run = everything()
    pipe = Path(snapshots[0].file.path)
    pipe.unlink()
    os.mkfifo(pipe)
    thread = in_thread(reanalyse)
    with pipe.open("wb") as other_end:
        SnapshotFactory()
        other_end.write(face_photo())
    thread.result()
    run.refresh_from_db()
    assert (run.status, run.done, run.claim_token) == ("waiting", 1, None)


def test_a_run_is_enqueued_in_its_own_queue_when_it_is_asked_for(queue: Queue) -> None:
    SnapshotFactory(analysed=True)
    everything()
    assert [file.name.split(".")[-2] for file in queue.folder.glob("*.msg")] == ["reanalysis"]


def test_two_deliveries_at_once_do_each_photo_once(newer: ModelVersion) -> None:
    for _ in range(3):
        SnapshotFactory(analysed=True)
    run = everything()
    at_once(reanalyse, times=3)
    run.refresh_from_db()
    assert counts(run) == ("done", 3, 3, 0, 0)
    assert EmotionRecord.objects.filter(model_version=newer).count() == 3


def test_a_run_whose_worker_died_goes_on_where_it_was(queue: Queue) -> None:
    first, _ = SnapshotFactory(analysed=True), SnapshotFactory(analysed=True)
    run = everything()
    turn = Reanalysis.objects.claim_next()
    assert turn
    Reanalysis.objects.held_by(turn).advance(0, to=first.pk, done=1)
    queue.take()
    sweep()
    assert not queue.messages()  # the worker may still hold it
    Reanalysis.objects.update(claim_expires_at=LONG_AGO)
    sweep()
    queue.work()
    run.refresh_from_db()
    assert counts(run) == ("done", 2, 2, 0, 0)


def test_a_photo_that_kills_every_worker_is_passed_over(settings: Settings) -> None:
    SnapshotFactory(analysed=True), SnapshotFactory(analysed=True)
    run = everything()
    Reanalysis.objects.update(attempts=settings.ANALYSIS_MAX_ATTEMPTS)
    assert counts(ran(run)) == ("done", 2, 1, 1, 0)


def test_a_photo_in_the_middle_keeps_its_answer_when_the_run_is_stopped() -> None:
    snapshot = SnapshotFactory(analysed=True)
    earlier = snapshot.model_version
    run = everything()
    pipe = Path(snapshot.file.path)
    pipe.unlink()
    os.mkfifo(pipe)
    thread = in_thread(reanalyse)
    with pipe.open("wb") as other_end:
        assert stop(run)
        other_end.write(face_photo())
    thread.result()
    run.refresh_from_db()
    snapshot.refresh_from_db()
    assert (counts(run), run.error) == (("cancelled", 1, 0, 0, 0), "Somebody stopped it.")
    assert (snapshot.model_version, EmotionRecord.objects.count()) == (earlier, 1)
    assert not stop(run)


def test_a_run_never_goes_on_with_another_model(settings: Settings) -> None:
    SnapshotFactory(analysed=True)
    run = everything()
    Reanalysis.objects.update(model_version=ModelVersionFactory(name="earlier"))  # as a change of the settings would do
    assert ran(run).error == "Another model was activated meanwhile."
    assert EmotionRecord.objects.count() == 1


def test_a_second_click_gets_the_run_that_there_is() -> None:
    customer, another = (SnapshotFactory(analysed=True).interaction.customer for _ in range(2))
    by = UserFactory()
    assert reanalyse_customer(customer, by) == reanalyse_customer(customer, by)
    assert everything() == everything(only_missing=True)
    assert reanalyse_customer(another, by) != reanalyse_customer(customer, by)
    assert Reanalysis.objects.count() == 3


def test_without_the_model_no_run_starts_and_a_started_one_waits(models: Path) -> None:
    SnapshotFactory(analysed=True)
    run = everything()
    (models / "newer" / "model.onnx").unlink()
    with pytest.raises(ModelUnavailable):
        reanalyse()
    with pytest.raises(ModelUnavailable):
        everything()
    run.refresh_from_db()
    assert (run.status, run.claim_token, run.attempts) == ("waiting", None, 0)


def test_photos_deleted_or_taken_up_meanwhile_are_passed_over() -> None:
    SnapshotFactory(analysed=True).delete()
    gone, taken = SnapshotFactory(analysed=True), SnapshotFactory(analysed=True)
    run = everything()
    gone.delete()
    Snapshot.objects.filter(pk=taken.pk).update(status="failed", error="It broke.")
    assert counts(ran(run)) == ("done", 2, 0, 0, 0)


def test_each_photo_costs_the_same_number_of_queries() -> None:
    def queries(photos: int) -> int:
        for _ in range(photos):
            SnapshotFactory(analysed=True)
        everything(only_missing=True)
        with CaptureQueriesContext(connection) as captured:
            reanalyse()
        return len(captured)

    queries(1)  # the first call also builds the pipeline
    one, three, five = queries(1), queries(3), queries(5)
    assert three - one == five - three
