"""Test what happens when somebody deletes something that a worker is writing to."""

import threading
from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

import pytest
from django.db.models import Model

from crm.models import Customer, Interaction
from emotions.analysis import services as analysis
from emotions.corrections import services as corrections
from emotions.models import EmotionRecord, Snapshot
from ml.labels import Emotion
from tests.support.analysing import analyse
from tests.support.api import System
from tests.support.databases import on_sqlite, somebody_waits_for_a_lock
from tests.support.factories import SnapshotFactory, UserFactory
from tests.support.threads import in_thread
from tests.support.waiting import DEADLINE, wait_until
from tests.support.workspace import browser_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("released_model"),
    pytest.mark.skipif(on_sqlite(), reason="SQLite has one lock for everything"),
]


def of(snapshot: Snapshot, model: type[Model]) -> Any:
    found: dict[type[Model], Model] = {Customer: snapshot.interaction.customer, Interaction: snapshot.interaction}
    return found.get(model, snapshot)


def by_model(snapshot: Snapshot, model: type[Model]) -> None:
    of(snapshot, model).delete()


def by_query(snapshot: Snapshot, model: type[Model]) -> None:
    model._default_manager.filter(pk=of(snapshot, model).pk).delete()


def by_api(snapshot: Snapshot, model: type[Model]) -> None:
    api = System(user=UserFactory(is_superuser=True))
    assert api.delete(f"{model._meta.model_name}s/{of(snapshot, model).uuid}").status_code == 204


def by_admin(snapshot: Snapshot, model: type[Model]) -> None:
    page = f"/admin/{model._meta.app_label}/{model._meta.model_name}/{of(snapshot, model).pk}/delete/"
    assert browser_of(UserFactory(is_superuser=True)).post(page, {"post": "yes"}).status_code == 302


class Held:
    """A function that holds every caller. It is given as "module.function", and `go_on` frees them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, function: str) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()
        self._whole = resolve_name(function)
        monkeypatch.setattr(function, self._hold)

    def _hold(self, *args: Any, **named: Any) -> None:
        self.reached.set()
        assert self.go_on.wait(DEADLINE)
        self._whole(*args, **named)

    def is_waited_for(self, work: Callable[[], object], deletion: Callable[[], object]) -> None:
        """Start the deletion while the work is held, check that it waits, and let both end."""
        working = in_thread(work)
        assert self.reached.wait(DEADLINE)
        deleting = in_thread(deletion)
        wait_until(somebody_waits_for_a_lock, "the deletion waits")
        self.go_on.set()
        working.result()
        deleting.result()


@pytest.mark.parametrize("model", [Customer, Interaction, Snapshot])
@pytest.mark.parametrize("delete", [by_model, by_query, by_api, by_admin])
def test_a_deletion_waits_for_the_answer_that_is_being_stored(
    monkeypatch: pytest.MonkeyPatch, model: type[Model], delete: Callable[[Snapshot, type[Model]], None]
) -> None:
    snapshot = SnapshotFactory()
    analysis.pipeline()
    held = Held(monkeypatch, "emotions.analysis.storing.outcome_changed")
    held.is_waited_for(lambda: analyse(snapshot.pk), lambda: delete(snapshot, model))
    assert not model._default_manager.exists()
    assert not EmotionRecord.objects.exists()


@pytest.mark.parametrize("model", [Customer, Interaction, Snapshot])
def test_a_deletion_waits_for_the_correction_that_is_being_stored(
    monkeypatch: pytest.MonkeyPatch, model: type[Model]
) -> None:
    snapshot = SnapshotFactory(analysed=True)
    record, by = snapshot.records.get(), UserFactory()
    held = Held(monkeypatch, "emotions.corrections.services.outcome_changed")
    held.is_waited_for(lambda: corrections.correct(record, Emotion.SAD, by), lambda: by_model(snapshot, model))
    assert not model._default_manager.exists()
