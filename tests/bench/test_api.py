"""Test the requests that the API benchmark sends. Its rows are copied into PostgreSQL, so these tests need one."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bench import api, api_requests, dataset
from bench.api_rows import PHOTO_BYTES, Written, commented, photo, written_for
from crm.models import ApiKey, Consent, Customer, Interaction, User, WebhookDelivery, WebhookEndpoint
from emotions.models import Snapshot
from tests.support.api import API, System
from tests.support.databases import on_sqlite

SIZES = ("--customers", "60", "--interactions", "300", "--records", "600", "--until", "2026-11-01")
TABLES: tuple[Any, ...] = (ApiKey, Consent, Customer, Interaction, Snapshot, WebhookDelivery, WebhookEndpoint)

NEEDS_POSTGRESQL = pytest.mark.skipif(on_sqlite(), reason="needs PostgreSQL")


@pytest.fixture
def filled(media: Path, transactional_db: None) -> None:
    assert dataset.fill(dataset.build_parser().parse_args(SIZES)) == 0


def counts() -> list[int]:
    return [table.objects.count() for table in TABLES]


def refused(written: Written) -> list[str]:
    """Send a request of each kind, and return the errors among the API's answers."""
    system = System(user=written.user)
    options = api.build_parser().parse_args([])
    kinds, _ = api.kinds_for(written.user, written, options)
    requests = [*(kind.make() for kind in kinds), api_requests.bulk(written, 0, "created")]
    answers = []
    for each in requests:
        content_type = each.headers.get("Content-Type", "application/json")
        answers.append(system.generic(each.method, f"{API}/{each.path}", each.body, content_type=content_type))
    system.key.delete()
    return [answer.content.decode() for answer in answers if answer.status_code >= 400]


@NEEDS_POSTGRESQL
@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("username", ["bench01", "bench-all"])
def test_every_request_is_answered_and_nothing_of_a_run_is_left(username: str) -> None:
    before = counts()
    with written_for(User.objects.get(username=username), seed=1, deliveries=50) as written:
        assert refused(written) == []
        assert Snapshot.objects.filter(interaction__customer__source=written.source).count() == 2
        assert Customer.objects.filter(source=written.source).count() > 1000
    assert counts() == before


def test_each_photo_is_another_file_of_the_size_that_is_named() -> None:
    jpeg = photo()
    files = {commented(jpeg, f"{number}".encode()) for number in range(3)}
    assert len(files) == 3
    assert all(Image.open(io.BytesIO(file)).size == (1024, 768) for file in files)
    assert PHOTO_BYTES <= len(jpeg) < 1.2 * PHOTO_BYTES


def test_the_tables_say_what_was_measured() -> None:
    kind = {"median": 21.2, "p95": 37.4, "target": 60.0, "processor": 14.6, "per_second": 20.0}
    pages = {"page": 100, "first": 20.0, "far": 21.0, "ratio": 1.05}
    figures = {"kinds": {"timeline": kind}, "pages": {"records": pages}, "rare": {"CSV": {"seconds": 2.0}}}
    table = api.as_tables(figures)
    assert "| timeline | 20 | 15 ms | 21 ms | 37 ms | 60 ms |" in table
    assert "| **61 ms** | 60 ms |" in api.as_tables({"kinds": {"slow": kind | {"p95": 60.6}}})
    assert "| records | 20.0 ms | 21.0 ms | 100 | 1.05 |" in table
    assert "| CSV | 2.00 |  |  |" in table
