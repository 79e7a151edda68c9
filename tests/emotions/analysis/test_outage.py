"""Test a database that goes away during work: nothing is lost, and clients are asked to try again."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery.exceptions import Reject
from django.db import Error, connection
from django.test import Client

from emotions import tasks
from emotions.models import Snapshot
from emotions.reanalyses.services import reanalyse_everything
from emotions.snapshots.stray_files import delete_stray_files
from emotions.uploads import services
from emotions.uploads.services import add_snapshot
from jobs import outage
from tests.support.accounting import assert_accounted_for, statuses, stray_files
from tests.support.analysing import analyse, reanalyse
from tests.support.api import System
from tests.support.databases import cut_connections, on_sqlite
from tests.support.factories import InteractionFactory, SnapshotFactory, UserFactory, uploaded_photo
from tests.support.standing_still import Middle
from tests.support.threads import in_thread
from tests.support.workspace import browser_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(on_sqlite(), reason="SQLite has no connection that could break"),
]
Status = Snapshot.Status


def cut_mine() -> None:
    in_thread(cut_connections).result()


@pytest.fixture(autouse=True)
def _mended() -> object:
    """Close the connection that the test broke, so that its teardown works."""
    yield
    connection.close()


@pytest.mark.usefixtures("released_model")
def test_a_photo_under_way_goes_back_and_has_lost_no_attempt(media: Path) -> None:
    snapshot = SnapshotFactory()
    middle = Middle(snapshot)
    cut_connections()
    with pytest.raises(Error):
        middle.go_on()
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.attempts, snapshot.claim_token) == (Status.PENDING, 0, None)
    assert Snapshot.objects.filter(pk=snapshot.pk).claim_next()


@pytest.mark.usefixtures("released_model")
def test_nor_has_one_whose_connection_breaks_amid_its_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_and_ask(*args: Any) -> None:
        cut_mine()
        Snapshot.objects.exists()

    monkeypatch.setattr("emotions.analysis.storing.records_of", cut_and_ask)
    snapshot = SnapshotFactory()
    with pytest.raises(Error):
        analyse(snapshot.pk)
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.attempts) == (Status.PENDING, 0)


@pytest.mark.usefixtures("released_model")
def test_a_re_analysis_under_way_loses_no_attempt() -> None:
    snapshot = SnapshotFactory(analysed=True)
    run = reanalyse_everything(UserFactory(), only_missing=True)
    middle = Middle(snapshot, reanalyse)
    cut_connections()
    with pytest.raises(Error):
        middle.go_on()
    run.refresh_from_db()
    assert (run.status, run.attempts, run.failed, run.claim_token) == ("waiting", 0, 0, None)


def test_a_message_stays_in_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "PAUSE", 0)
    SnapshotFactory()
    cut_mine()
    with pytest.raises(Reject) as rejected:
        tasks.analyse_snapshots()
    assert rejected.value.args[1] is True  # the message returns to the queue


@pytest.mark.usefixtures("released_model")
def test_an_error_of_a_database_that_is_there_costs_an_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    monkeypatch.setattr("emotions.analysis.batches.store", refused)
    snapshot = SnapshotFactory()
    tasks.analyse_snapshots()
    snapshot.refresh_from_db()
    assert (snapshot.status, snapshot.attempts) == (Status.PENDING, 1)


def test_the_file_of_a_commit_that_broke_is_left_to_those_who_know_more(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "announce_on_commit", lambda task: cut_mine())
    interaction = InteractionFactory()
    with pytest.raises(Error):
        add_snapshot(interaction, uploaded_photo())
    assert len(stray_files(media)) == 1
    assert statuses() == []
    assert delete_stray_files(timedelta(0)) == 1
    assert_accounted_for([], media)


def test_the_file_of_a_transaction_that_broke_before_goes_at_once(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(snapshot: Snapshot) -> None:
        cut_mine()
        Snapshot.objects.exists()

    monkeypatch.setattr(Snapshot, "save", broken)
    interaction = InteractionFactory()
    with pytest.raises(Error):
        add_snapshot(interaction, uploaded_photo())
    assert not stray_files(media)


def test_pages_say_so() -> None:
    browser: Client = browser_of()
    browser.raise_request_exception = False
    cut_mine()
    answer = browser.get("/admin/crm/customer/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "The database cannot be reached" in answer.content.decode()


def test_the_api_says_so() -> None:
    system = System()
    cut_mine()
    answer = system.get("customers")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert answer.json()["code"] == "database_unavailable"
