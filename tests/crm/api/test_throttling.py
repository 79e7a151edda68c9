import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import django
import pytest
from django.test import Client
from pytest_django import Settings

from config.settings import cache
from crm.limits.allowances import spend
from crm.limits.counters import count
from crm.models import Scope
from tests.support.api import CUSTOMERS, System
from tests.support.factories import UserFactory
from tests.support.programs import SHOW, start
from tests.support.servers import RedisServer
from tests.support.threads import at_once

pytestmark = pytest.mark.django_db


def test_every_answer_says_what_is_left(settings: Settings) -> None:
    settings.API_RATE = "4/day"
    system = System(Scope.CUSTOMERS_READ)
    answers = [
        system.send("GET", CUSTOMERS),
        system.send("GET", f"{CUSTOMERS}/00000000-0000-0000-0000-000000000000"),
        system.send("POST", CUSTOMERS, {"name": "Ada"}),
        system.send("GET", f"{CUSTOMERS}?nonsense=1"),
    ]
    assert [each.status_code for each in answers] == [200, 404, 403, 400]
    assert {each["RateLimit-Policy"] for each in answers} == {'"requests";q=4;w=86400'}
    left = [re.fullmatch(r'"requests";r=(\d);t=(\d+)', each["RateLimit"]) for each in answers]
    assert [match and match[1] for match in left] == ["3", "2", "1", "0"]


def test_one_too_many_is_told_when_to_come_again(settings: Settings) -> None:
    settings.API_RATE = "1/day"
    system = System()
    system.send("GET", CUSTOMERS)
    answer = system.send("GET", CUSTOMERS)
    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    assert answer["Content-Type"] == "application/problem+json"
    assert 0 < int(answer["Retry-After"]) <= 86400
    assert answer["RateLimit"] == f'"requests";r=0;t={answer["Retry-After"]}'


def test_each_key_and_each_person_has_an_allowance(settings: Settings) -> None:
    settings.API_RATE = "1/day"
    user = UserFactory()
    browser = Client()
    browser.force_login(user)
    clients = [System(user=user), System(user=user), browser]
    assert [each.get(CUSTOMERS).status_code for each in clients] == [200, 200, 200]
    assert [each.get(CUSTOMERS).status_code for each in clients] == [429, 429, 429]


def test_wrong_keys_are_slowed_down_and_right_ones_are_not() -> None:
    intruder = Client(headers={"Authorization": "Bearer abcdefgh.guessed"})
    # Send more than two minutes' allowance, because a new minute may begin meanwhile.
    assert {intruder.get(CUSTOMERS).status_code for _ in range(61)} == {401, 429}
    assert System().get(CUSTOMERS).status_code == 200
    elsewhere = intruder.get(CUSTOMERS, REMOTE_ADDR="192.0.2.1")
    assert elsewhere.status_code == 401


def test_guessing_from_a_whole_network_of_ipv6_is_slowed_down(settings: Settings) -> None:
    settings.API_FAILURE_RATE = "3/day"
    intruder = Client(headers={"Authorization": "Bearer abcdefgh.guessed"})
    answers = [intruder.get(CUSTOMERS, REMOTE_ADDR=f"2001:db8:1:2::{number}") for number in range(4)]
    assert [each.status_code for each in answers] == [401, 401, 401, 429]
    assert intruder.get(CUSTOMERS, REMOTE_ADDR="2001:db8:1:3::1").status_code == 401


def test_a_redis_counts_exactly(settings: Settings, redis_server: RedisServer) -> None:
    settings.CACHES = {"default": cache(redis_server.url)}
    left = {each.remaining for each in at_once(lambda: spend("somebody", "100/day"), times=8)}
    assert left == {92, 93, 94, 95, 96, 97, 98, 99}
    (counter,) = redis_server.client.scan_iter()
    assert 0 < redis_server.client.ttl(counter) <= 2 * 86400


def test_without_its_cache_the_api_goes_on(
    settings: Settings, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES, settings.API_RATE = {"default": cache(redis_server.url)}, "1/day"
    redis_server.stop()
    answers = [System().send("GET", CUSTOMERS) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert "RateLimit" not in answers[0]
    assert "the cache cannot be reached" in caplog.text


def test_requests_are_counted_where_the_tasks_queue(tmp_path: Path) -> None:
    show = SHOW.format("CACHE_URL")
    broker = "rediss://:secret@example.com:6380/1"
    assert start(tmp_path, show).stdout.strip() == f"file://{tmp_path}/cache"
    assert start(tmp_path, show, CELERY_BROKER_URL=broker).stdout.strip() == broker
    assert start(tmp_path, show, CACHE_URL="file:///somewhere").stdout.strip() == "file:///somewhere"


def test_files_count_exactly_among_processes_and_beside_many_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHE_URL", f"file://{tmp_path}/shared")
    with ProcessPoolExecutor(4, mp_context=get_context("spawn"), initializer=django.setup) as processes:
        counts = list(processes.map(counted, range(400), chunksize=10))
    assert set(counts) == set(range(1, 401))


def counted(number: int) -> int | None:
    """Count one event, and one each of three other kinds: more counts than Django's file cache keeps."""
    for other in range(3):
        count(f"other {number} {other}", 60)
    return count("something", 60)
