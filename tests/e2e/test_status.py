"""Test the status page in a browser: light and dark, on a phone, and by keyboard."""

from datetime import timedelta
from pathlib import Path
from typing import Literal

from django.utils import timezone
from playwright.sync_api import Page, expect

from jobs.models import WorkerHeartbeat
from tests.support.factories import SnapshotFactory
from tests.support.site import Site, expect_fits

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def workers() -> None:
    for name, queues in (("photos@one", "celery,sweep,reanalysis"), ("webhooks@one", "webhooks,webhooks-sweep,jobs")):
        about = {"pid": 7, "queues": queues, "processes": 2, "works_with": "reference-cnn@1"}
        WorkerHeartbeat.objects.record(f"heartbeat.{name}.7", name=name, **about)
    WorkerHeartbeat.objects.filter(name="webhooks@one").update(last_seen_at=timezone.now() - timedelta(hours=1))


def test_the_status_page_shows_what_works_and_what_does_not(
    site: Site, logged_in: Page, complaints: list[str], tmp_path: Path
) -> None:
    page = logged_in
    workers()
    SnapshotFactory(failed=True)
    page.get_by_role("link", name="Status").click()
    expect(page.locator("[data-worker='photos@one']")).to_contain_text("Running")
    expect(page.locator("[data-worker='webhooks@one']")).to_contain_text("Overdue")
    expect(page.get_by_role("region", name="Why photos failed")).to_contain_text("The analysis broke off")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.reload()
        for name, width in (("desktop", 1280), ("phone", 390)):
            page.set_viewport_size({"width": width, "height": 844})
            expect_fits(page)
            page.screenshot(path=tmp_path / f"{name}-{scheme}.png", full_page=True)
    page.get_by_role("link", name="Refresh").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Workers")).to_be_visible()
    page.get_by_role("link", name="Show these photos").click()
    expect(page.get_by_role("link", name="Open timeline")).to_have_count(1)
    assert complaints == []
