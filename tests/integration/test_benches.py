"""Run the benchmarks of the queue under load at a small size, and check that they measure what happens."""

from pathlib import Path

import pytest
from django.db import connection

from bench import burst, memory
from tests.support.databases import on_sqlite
from tests.support.deployment import Deployment

pytestmark = [
    pytest.mark.parametrize("broker", ["redis"], indirect=True),
    pytest.mark.timeout(600),
    pytest.mark.skipif(on_sqlite(), reason="SQLite lets one write at a time"),
]


@pytest.fixture(autouse=True)
def patient(deployment: Deployment) -> None:
    deployment.environment |= {
        "API_RATE": "1000000/second",
        "ANALYSIS_TIME_LIMIT": "60",
        "ANALYSIS_LEASE": "90",
        "BROKER_VISIBILITY_TIMEOUT": "600",
    }


def test_a_burst_is_accepted_and_one_upload_overtakes_it(deployment: Deployment, media: Path) -> None:
    options = burst.build_parser().parse_args(["--photos", "200", "--json"])
    measured = burst.measure(deployment, media, options)
    assert measured["sent_again"] == 0
    assert measured["waiting_after_the_single"] > 0.5 * measured["waiting_before_the_single"] > 10
    assert "lost, or done twice | 0" in burst.as_table(measured)
    assert connection.is_usable()


def test_the_memory_of_workers_is_sampled(deployment: Deployment, media: Path) -> None:
    options = memory.build_parser().parse_args(["--photos", "60", "--step", "30", "--json", "--processes", "1"])
    samples = memory.measure(deployment, media, options)
    assert [each.photos for each in samples] == [30, 60]
    assert all(len(each.megabytes) == 1 and 50 < each.total < 1000 for each in samples)
    assert "| 60 | " in memory.as_table(samples)
