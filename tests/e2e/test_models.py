"""Test how somebody who manages models has photos analysed again."""

from playwright.sync_api import Page, expect

from tests.support.factories import SnapshotFactory
from tests.support.site import Site


def test_a_re_analysis_shows_how_far_it_is_and_can_be_stopped(
    site: Site, logged_in: Page, visited: list[str], complaints: list[str]
) -> None:
    page = logged_in
    snapshots = [SnapshotFactory(analysed=True) for _ in range(3)]
    page.get_by_role("link", name="Models").click()
    page.get_by_role("button", name="Re-analyse all photos").click()
    expect(page.get_by_text("Running: 0 of 3 photos")).to_be_visible()
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Somebody stopped it.")).to_be_visible()

    page.get_by_role("link", name="← Models").click()
    page.get_by_role("button", name="Re-analyse photos with another model's answer").click()
    expect(page.get_by_text("Running: 0 of 3 photos")).to_be_visible()
    page.evaluate("window.sameDocument = true")
    site.start_worker()
    expect(page.get_by_text("Finished: 3 of 3 photos")).to_be_visible()
    assert page.evaluate("window.sameDocument"), "the page was loaded again"

    page.goto(site.timeline(snapshots[0].interaction.customer))
    page.get_by_text("Earlier answers (1)").click()
    expect(page.get_by_text("reference-cnn, version 1,")).to_contain_text("appears happy, confidence 70%")
    assert complaints == []
