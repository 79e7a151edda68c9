"""Test the page on which staff see whether everything works."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm.models import User
from emotions.models import Snapshot
from emotions.status.queries import in_words, status_page
from emotions.tasks import analyse_snapshots
from jobs.models import WorkerHeartbeat
from tests.support.broker import use_redis
from tests.support.factories import SnapshotFactory, UserFactory
from tests.support.servers import RedisServer
from tests.support.workspace import browser_of, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("released_model")]
STATUS = "/admin/status/"


@pytest.fixture
def operator() -> User:
    user: User = UserFactory()
    user.user_permissions.add(Permission.objects.get(codename="view_status"))
    return user


@pytest.fixture
def browser(operator: User) -> Client:
    return browser_of(operator)


def worker(name: str, pid: int = 1, queues: str = "celery,sweep,reanalysis", seen: int = 0) -> None:
    queue = f"heartbeat.{name}.{pid}"
    about = {"name": name, "pid": pid, "queues": queues, "processes": 2, "works_with": "reference-cnn@1"}
    WorkerHeartbeat.objects.record(queue, **about)
    WorkerHeartbeat.objects.filter(queue=queue).update(last_seen_at=timezone.now() - timedelta(seconds=seen))


def failed(error: str, age: timedelta) -> None:
    snapshot = SnapshotFactory(failed=True, error=error)
    Snapshot.objects.filter(pk=snapshot.pk).update(finished_at=timezone.now() - age)


def page(browser: Client) -> str:
    answer = browser.get(STATUS)
    assert answer.status_code == 200
    return text_of(answer.content)


def test_only_those_with_the_permission_find_it(browser: Client) -> None:
    assert "Status" in page(browser)
    others = browser_of()
    assert others.get(STATUS).status_code == 403
    assert reverse("emotions:status") not in others.get("/admin/crm/customer/").text
    assert Client().get(STATUS).status_code == 302


def test_it_shows_what_waits_and_for_how_long(browser: Client) -> None:
    snapshot = SnapshotFactory()
    SnapshotFactory(due_at=timezone.now() + timedelta(hours=1))  # it is retried later
    Snapshot.objects.filter(pk=snapshot.pk).update(due_at=timezone.now() - timedelta(minutes=5, seconds=30))
    analyse_snapshots.delay()
    shown = page(browser)
    assert "Waiting 2 The oldest has been due for 5 minutes" in shown
    assert "Active model reference-cnn 1" in shown
    assert "New photos 1 None celery" in shown


def test_it_shows_workers_and_which_are_overdue(browser: Client) -> None:
    worker("photos@here")
    worker("photos@there", seen=500)
    worker("webhooks@here", queues="webhooks,webhooks-sweep,jobs", seen=500)
    worker("webhooks@here", pid=2, queues="webhooks,webhooks-sweep,jobs")  # it replaces the first
    shown = page(browser)
    assert "photos@here 0 seconds ago Running reference-cnn@1 2" in shown
    assert "photos@there 8 minutes ago Overdue" in shown
    assert shown.count("webhooks@here") == 1
    assert [queue.workers for queue in status_page().queues] == [1, 1, 1, 1, 1, 1]


def test_it_shows_the_results_of_the_last_day_and_links_to_failures(browser: Client, operator: User) -> None:
    SnapshotFactory(analysed=True)
    for hours in (1, 2, 30):
        failed("The file is cut off.", timedelta(hours=hours))
    failed("Not a picture.", timedelta(hours=3))
    shown = page(browser)
    assert "Analysed 1 No face found 0 Failed 3 Withheld: no consent 0" in shown
    assert "The file is cut off. 2" in shown
    assert "Not a picture. 1" in shown
    assert "Show these photos" not in shown
    operator.user_permissions.add(Permission.objects.get(codename="view_snapshot"))
    link = status_page_link(browser)
    assert browser.get(link).text.count("The file is cut off.") == 2


def status_page_link(browser: Client) -> str:
    href: str = browser.get(STATUS).text.partition('<a class="rp-link" href="')[2].partition('"')[0]
    return href.replace("&amp;", "&")


def test_it_says_that_the_broker_is_down(browser: Client, redis_server: RedisServer) -> None:
    use_redis(redis_server.url)
    redis_server.stop()
    shown = page(browser)
    assert "The broker cannot be reached." in shown
    assert "New photos unknown" in shown


def test_its_queries_do_not_grow(browser: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as made:
            page(browser)
        return len(made)

    queries()  # the first call fills what the process caches
    before = queries()
    for number in range(3):
        worker(f"photos@host{number}")
        failed(f"Reason {number}", timedelta(hours=1))
        SnapshotFactory()
    assert queries() == before


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (7260, "2 hours, 1 minute")],
)
def test_ages_are_given_in_words(seconds: int, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words
