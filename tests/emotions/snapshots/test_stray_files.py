"""Test the clean-up of files that killed processes left behind, before or after their commit."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from pytest_django import DjangoCaptureOnCommitCallbacks

from emotions.models import Snapshot
from emotions.snapshots import tasks
from emotions.snapshots.stray_files import BATCH, delete_stray_files, rows_with
from tests.support.accounting import stray_files
from tests.support.broker import Queue
from tests.support.factories import InteractionFactory, SnapshotFactory

pytestmark = pytest.mark.django_db


def leave_file(media: Path, name: str = "snapshots/2026/11/28/left.jpg", *, minutes: int = 61) -> Path:
    """Leave a file without a row, as a killed process does."""
    file = media / default_storage.save(name, ContentFile(b"half a photo"))
    written = time.time() - minutes * 60
    os.utime(file, (written, written))
    return file


def rows_of_files(count: int) -> list[Snapshot]:
    """Return unsaved snapshots of one interaction, with the files snapshots/0.jpg, snapshots/1.jpg and so on."""
    interaction = InteractionFactory()
    of = {"interaction": interaction, "customer": interaction.customer}
    return [SnapshotFactory.build(**of, sha256=f"{n:064}", file=f"snapshots/{n}.jpg") for n in range(count)]


def test_an_old_file_without_a_row_goes_and_photos_stay(media: Path) -> None:
    kept = SnapshotFactory()
    os.utime(kept.file.path, (0, 0))
    leave_file(media)
    leave_file(media, "snapshots/2025/01/by-month.png")
    assert delete_stray_files() == 2
    assert not stray_files(media)
    assert kept.file.storage.exists(kept.file.name)


def test_a_file_whose_row_may_be_on_its_way_stays(media: Path) -> None:
    file = leave_file(media, minutes=59)
    assert delete_stray_files() == 0
    assert file.exists()


def test_without_any_photo_there_is_nothing_to_do(media: Path) -> None:
    assert delete_stray_files() == 0


def test_more_files_than_one_query_takes(media: Path) -> None:
    rows = Snapshot.objects.bulk_create(rows_of_files(2))
    for row in rows:
        leave_file(media, str(row.file))
    for number in range(2 * BATCH):
        leave_file(media, f"snapshots/2026/11/27/{number}.jpg")
    assert delete_stray_files() == 2 * BATCH
    assert not stray_files(media)


def test_of_many_files_the_task_does_some_and_leaves_the_rest_to_the_next_message(
    media: Path, monkeypatch: pytest.MonkeyPatch, queue: Queue
) -> None:
    monkeypatch.setattr(tasks, "STRAY_FILES_SECONDS", 0.0)
    for number in range(2 * BATCH + 1):
        leave_file(media, f"snapshots/2026/11/{number % 3 + 10}/{number}.jpg")
    tasks.delete_stray_files()
    left = []
    while queue.messages():
        left.append(len(stray_files(media)))
        queue.work()
    assert left == [BATCH + 1, 1, 0]


def test_a_file_that_cannot_be_deleted_holds_up_no_other(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = leave_file(media, "snapshots/a.jpg"), leave_file(media, "snapshots/b.jpg")
    delete = default_storage.delete

    def refuses_the_first(name: str) -> None:
        if name == "snapshots/a.jpg":
            raise PermissionError(name)
        delete(name)

    monkeypatch.setattr(default_storage, "delete", refuses_the_first)
    assert delete_stray_files() == 1
    assert (first.exists(), second.exists()) == (True, False)


def test_a_deletion_that_was_interrupted_is_made_up_for(
    media: Path, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    snapshot = SnapshotFactory()
    os.utime(snapshot.file.path, (0, 0))
    with django_capture_on_commit_callbacks():  # the callbacks are not run, as if the process had died
        snapshot.delete()
    assert stray_files(media)
    assert delete_stray_files() == 1
    assert not stray_files(media)


def test_the_command_names_them_first(media: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = leave_file(media, minutes=5)
    call_command("delete_stray_files", "--dry-run", "--minutes", "1")
    assert (capsys.readouterr().out, file.exists()) == ("snapshots/2026/11/28/left.jpg\n", True)
    call_command("delete_stray_files", "--minutes", "1")
    assert (capsys.readouterr().out[:2], file.exists()) == ("1 ", False)


@pytest.mark.skipif("sqlite" in os.environ.get("TEST_DATABASE", ""), reason="PostgreSQL's plan")
def test_the_rows_of_files_are_found_by_an_index() -> None:
    rows = Snapshot.objects.bulk_create(rows_of_files(10 * BATCH))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE emotions_snapshot")
        cursor.execute("SET LOCAL enable_seqscan = off")  # the planner would read a table this small without its index
    plan = rows_with([str(row.file) for row in rows[:BATCH]]).explain()
    assert "snapshot_by_file" in plan
