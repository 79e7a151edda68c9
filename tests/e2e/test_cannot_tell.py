"""Test that staff can say, in the review list, that they cannot tell what a face shows."""

from playwright.sync_api import Page, expect

from tests.support.factories import EmotionRecordFactory
from tests.support.site import Site, expect_fits


def test_a_face_that_one_cannot_tell_leaves_the_list(site: Site, logged_in: Page, complaints: list[str]) -> None:
    page, record = logged_in, EmotionRecordFactory()
    EmotionRecordFactory()
    page.goto(f"{site.address}/admin/review/")
    faces = page.locator("li[data-review]")
    faces.first.get_by_role("button", name="I cannot tell").dblclick()
    expect(faces.first).to_contain_text("Sam Rivera could not tell")
    expect(faces.first.get_by_text("Appears happy")).to_be_focused()
    expect_fits(page)
    faces.first.get_by_role("button", name="Take it back").click()
    expect(faces.first.get_by_role("button", name="I cannot tell")).to_be_visible()
    faces.first.get_by_role("button", name="I cannot tell").click()
    expect(faces.first).to_contain_text("This face has left your list")
    page.reload()
    expect(faces).to_have_count(1)
    page.goto(site.timeline(record.snapshot.interaction.customer))
    expect(page.get_by_text("Sam Rivera could not tell")).to_be_visible()
    assert complaints == []
