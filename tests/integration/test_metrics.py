"""What Prometheus reads of real processes."""

import os
import signal
import socket
import urllib.request
from urllib.error import HTTPError, URLError

import pytest
from prometheus_client.parser import text_string_to_metric_families

from emotions.services import add_snapshot
from tests.factories import InteractionFactory, uploaded_photo
from tests.integration.deployment import Deployment
from tests.waiting import wait_until

pytestmark = pytest.mark.parametrize("broker", ["redis"], indirect=True)
TOKEN = "only for tests"
ANALYSED = ("rapport_analyses_total", "reference-cnn", "analysed", "1")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def scrape(port: int, token: str = TOKEN) -> dict[tuple[str, ...], float]:
    """The samples, by their name and the values of their labels, in the order of these."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            families = list(text_string_to_metric_families(answer.read().decode()))
    except HTTPError as error:
        return {(str(error.code),): 1.0}
    except URLError:
        return {}
    return {
        (each.name, *(value for _, value in sorted(each.labels.items()))): each.value
        for family in families
        for each in family.samples
    }


def upload(count: int) -> None:
    interaction = InteractionFactory()
    for number in range(count):
        add_snapshot(interaction, uploaded_photo(number))


def test_a_worker_tells_of_its_analyses_and_of_those_of_processes_that_ended(deployment: Deployment) -> None:
    port = free_port()
    worker = deployment.worker(processes=2, METRICS_PORT=str(port), ANALYSIS_TIME_LIMIT="40", ANALYSIS_LEASE="50")
    upload(4)
    wait_until(lambda: scrape(port).get(ANALYSED) == 4, "all are counted")
    for child in worker.children():
        os.kill(child, signal.SIGKILL)
    add_snapshot(InteractionFactory(), uploaded_photo("later"))
    wait_until(lambda: scrape(port).get(ANALYSED) == 5, "those of ended processes are counted still")
    told = scrape(port)
    stages = {key[2] for key in told if key[0] == "rapport_analysis_stage_seconds_count"}
    assert stages == {"decode", "detect", "classify", "store"}
    assert told[("rapport_analysis_stage_seconds_count", "reference-cnn", "store", "1")] == 5
    assert len(list((deployment.folder / "var" / "metrics").glob("counter_*.db"))) <= 3  # two processes, and the ended


def test_the_web_tells_of_requests_and_of_what_waits_to_those_with_the_token(deployment: Deployment) -> None:
    port = free_port()
    upload(3)
    deployment.start(
        "web",
        "gunicorn",
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        "2",
        "crm.wsgi",
        METRICS_TOKEN=TOKEN,
        DEBUG="true",
    )
    wait_until(lambda: scrape(port, "wrong") == {("401",): 1.0}, "the web answers")
    for _ in range(5):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/login/") as answer:
            answer.read()
    told = scrape(port)
    assert told[("rapport_request_seconds_count", "GET", "200", "admin:login")] == 5
    assert told[("rapport_queue_messages", "celery")] == 3
    assert 0 <= told[("rapport_oldest_waiting_photo_seconds",)] < 120


def test_without_a_token_there_are_no_metrics(deployment: Deployment) -> None:
    port = free_port()
    deployment.start("web", "gunicorn", "--bind", f"127.0.0.1:{port}", "crm.wsgi")
    wait_until(lambda: scrape(port) == {("404",): 1.0}, "there is nothing at this address")
