"""Test what Prometheus reads from real processes."""

import os
import signal
import urllib.request
from urllib.error import HTTPError, URLError

import pytest
from prometheus_client.parser import text_string_to_metric_families

from emotions.uploads.services import add_snapshot
from tests.support.deployment import Deployment
from tests.support.factories import InteractionFactory, uploaded_photo
from tests.support.waiting import wait_until

pytestmark = pytest.mark.parametrize("broker", ["redis"], indirect=True)
TOKEN = "only for tests"
ANALYSED = ("rapport_analyses_total", "reference-cnn", "analysed", "1")


def scrape(site: str, token: str = TOKEN) -> dict[tuple[str, ...], float]:
    """Return the samples by name and label values, in the alphabetical order of the labels."""
    request = urllib.request.Request(f"{site}/metrics", headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - http
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
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


def test_a_worker_tells_of_its_analyses_and_of_those_of_processes_that_ended(
    deployment: Deployment, free_port: int
) -> None:
    worker_site = f"http://127.0.0.1:{free_port}"
    worker = deployment.worker(processes=2, METRICS_PORT=str(free_port), ANALYSIS_TIME_LIMIT="40", ANALYSIS_LEASE="50")
    upload(4)
    wait_until(lambda: scrape(worker_site).get(ANALYSED) == 4, "all are counted")
    for child in worker.children():
        os.kill(child, signal.SIGKILL)
    add_snapshot(InteractionFactory(), uploaded_photo("later"))
    wait_until(lambda: scrape(worker_site).get(ANALYSED) == 5, "those of ended processes are counted still")
    told = scrape(worker_site)
    stages = {key[2] for key in told if key[0] == "rapport_analysis_stage_seconds_count"}
    assert stages == {"decode", "detect", "classify", "store"}
    assert told[("rapport_analysis_stage_seconds_count", "reference-cnn", "store", "1")] == 5
    # One for each of the two processes, and one for all that have ended.
    assert len(list((deployment.folder / "var" / "metrics").glob("counter_*.db"))) <= 3


def test_the_web_tells_of_requests_and_of_what_waits_to_those_with_the_token(deployment: Deployment) -> None:
    upload(3)
    site = deployment.web(METRICS_TOKEN=TOKEN, DEBUG="true")
    assert scrape(site, "wrong") == {("401",): 1.0}
    for _ in range(5):
        with urllib.request.urlopen(f"{site}/admin/login/") as answer:  # noqa: S310 - our own http address
            answer.read()
    told = scrape(site)
    assert told[("rapport_request_seconds_count", "GET", "200", "admin:login")] == 5
    assert told[("rapport_queue_messages", "celery")] == 3
    assert 0 <= told[("rapport_oldest_waiting_photo_seconds",)] < 120


def test_without_a_token_there_are_no_metrics(deployment: Deployment) -> None:
    site = deployment.web()
    assert scrape(site) == {("404",): 1.0}
