"""The status page in a browser: on a phone too, by keyboard, without a script."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from crm.models import WorkerHeartbeat
from tests.e2e.site import Site, expect_fits
from tests.factories import SnapshotFactory
from tests.waiting import wait_until


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_status_page_shows_what_works_and_what_does_not(
    site: Site, logged_in: Page, complaints: list[str], tmp_path: Path, scheme: str
) -> None:
    page = logged_in
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    SnapshotFactory(failed=True)
    site.start_worker()
    wait_until(WorkerHeartbeat.objects.exists, "the worker has shown itself")
    page.get_by_role("link", name="Status").click()
    expect(page.locator("[data-worker]").get_by_text("Well")).to_be_visible()
    expect(page.get_by_text("The analysis broke off several times.")).to_be_visible()
    expect(page.get_by_role("region", name="Messages by queue")).to_contain_text("New photos")
    page.screenshot(path=tmp_path / f"desktop-{scheme}.png", full_page=True)
    page.get_by_role("link", name="Refresh").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Workers")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    expect_fits(page)
    page.screenshot(path=tmp_path / f"phone-{scheme}.png", full_page=True)
    assert complaints == []
