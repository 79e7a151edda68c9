"""Test the job page in a browser: light and dark, on a phone, by keyboard, and while the server is away."""

from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, expect

from crm.models import User
from emotions.models import Reanalysis
from tests.support.factories import InteractionFactory, ModelVersionFactory, SnapshotFactory
from tests.support.site import Site, expect_fits

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def test_the_job_page_follows_what_happens_and_says_when_it_cannot(
    site: Site, logged_in: Page, complaints: list[str], tmp_path: Path
) -> None:
    page, me = logged_in, User.objects.get()
    interaction = InteractionFactory(staff=me)
    photo = SnapshotFactory(interaction=interaction, failed=True)
    SnapshotFactory(interaction=interaction, analysed=True)
    far_away = photo.finished_at.replace(year=2100)  # so that no worker claims it
    run = Reanalysis.objects.create(
        scope="all", model_version=ModelVersionFactory(), started_by=me, total=8, done=2, last=0, due_at=far_away
    )
    page.get_by_role("link", name="Jobs").click()
    failed = page.locator(f"[data-job='snapshot.{photo.pk}']")
    running = page.locator(f"[data-job='reanalysis.{run.pk}']")
    expect(failed).to_contain_text("The analysis broke off several times")
    expect(running).to_contain_text("2 of 8")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.reload()
        for name, width in (("desktop", 1280), ("phone", 390)):
            page.set_viewport_size({"width": width, "height": 844})
            expect_fits(page)
            page.screenshot(path=tmp_path / f"{name}-{scheme}.png", full_page=True)

    failed.get_by_role("checkbox").focus()
    page.keyboard.press("Space")
    Reanalysis.objects.update(done=5)
    expect(running).to_contain_text("5 of 8")
    expect(failed.get_by_role("checkbox")).to_be_checked()  # an update keeps the reader's choice

    page.context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text("The connection to the server is lost")
    page.context.set_offline(False)
    expect(page.get_by_role("alert")).to_have_count(0)
    complaints.clear()  # the browser complained that it could not reach the server

    page.get_by_role("button", name="Retry chosen").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_text("1 job was started again.")).to_be_visible()
    running.get_by_role("checkbox").check()
    page.get_by_role("button", name="Cancel chosen").click()
    expect(running).to_contain_text("Cancelled")
    page.get_by_label("State").select_option("Cancelled")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("[data-job]")).to_have_count(1)
    assert complaints == []
