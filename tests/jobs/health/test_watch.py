"""Test what a watch does without a worker. tests/integration/test_heartbeat.py tests the rest."""

from pathlib import Path
from threading import Event

import pytest

from jobs.health.watch import Watch


class Interrupted(Event):
    """An event that a second signal interrupts: it ends the watch while `set` holds the event's lock."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch
        self.times = 0

    def set(self) -> None:
        self.times += 1
        assert self.times == 1, "It waits for the lock that it holds itself."
        self._watch.end()
        super().set()


def test_two_signals_at_once_end_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch("heartbeat.photos@here.1", tmp_path / "photos@here", pool=None)
    ended = Interrupted(watch)
    monkeypatch.setattr(watch, "_ended", ended)
    watch.end()
    assert ended.is_set()
    watch.run()  # returns at once
