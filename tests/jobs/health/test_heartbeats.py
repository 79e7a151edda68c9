"""Test the rows and files of heartbeats. tests/integration/test_heartbeat.py tests the workers themselves."""

import os
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from jobs.health.workers import problem
from jobs.models import WorkerHeartbeat
from jobs.tasks import forget_gone_workers, heartbeat
from tests.support.broker import Queue


def record(queue: str = "heartbeat.photos@here.1") -> WorkerHeartbeat:
    about = {"name": "photos@here", "pid": 1, "queues": "celery,sweep", "processes": 2, "works_with": ""}
    WorkerHeartbeat.objects.record(queue, **about)
    return WorkerHeartbeat.objects.get(queue=queue)


def file_of(folder: Path, age: int, content: str = '{"limit": 100}') -> None:
    file = folder / f"photos@{socket.gethostname()}"
    file.write_text(content)
    then = file.stat().st_mtime - age
    os.utime(file, (then, then))


@pytest.mark.django_db
def test_a_worker_has_one_row_that_says_when_it_was_last_seen() -> None:
    first = record()
    again = record()
    assert again.last_seen_at > first.last_seen_at
    assert again.started_at == first.started_at
    assert not again.is_overdue
    again.last_seen_at -= timedelta(seconds=121)
    assert again.is_overdue


@pytest.mark.django_db
def test_workers_long_gone_are_forgotten_with_the_message_that_nobody_took(queue: Queue) -> None:
    for name in ("gone", "here"):
        record(name)
        heartbeat.apply_async(queue=name)
    WorkerHeartbeat.objects.filter(queue="gone").update(last_seen_at=timezone.now() - timedelta(hours=25))
    forget_gone_workers()
    assert list(WorkerHeartbeat.objects.values_list("queue", flat=True)) == ["here"]
    assert [file.name.rpartition(".here")[1] for file in queue.folder.glob("*.msg")] == [".here"]


def test_the_health_of_workers_is_the_age_of_their_files(tmp_path: Path) -> None:
    assert "has completed a heartbeat yet" in problem(tmp_path, "")
    file_of(tmp_path, age=90)
    assert problem(tmp_path, "") == problem(tmp_path, "photos") == ""
    assert "has completed a heartbeat yet" in problem(tmp_path, "webhooks")
    file_of(tmp_path, age=130)
    assert "is 130 seconds old; at most 100 are well" in problem(tmp_path, "")
    file_of(tmp_path, age=0, content="")
    assert "cannot be read" in problem(tmp_path, "")
