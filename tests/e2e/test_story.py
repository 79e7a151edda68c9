"""Test the main job, done as a member of staff does it."""

import os
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from emotions.models import EmotionRecord, Snapshot
from tests.support.browser_photos import portrait, two_faces
from tests.support.factories import CustomerFactory, face_photo, faceless_photo
from tests.support.site import Site, log_photos, photo_file, snapshots
from tests.support.waiting import wait_until

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def test_a_photo_becomes_an_estimate_on_the_timeline(
    site: Site, logged_in: Page, visited: list[str], complaints: list[str], tmp_path: Path
) -> None:
    page = logged_in
    page.get_by_role("link", name="Add customer").first.click()
    page.get_by_label("Name").first.fill("Robin Okafor")
    page.get_by_label("Company").fill("Harbour Books")
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator("#result_list").get_by_role("link", name="Robin Okafor", exact=True).click()
    files = [photo_file(tmp_path, f"{number}.jpg", portrait(number)) for number in range(3)]
    log_photos(page, *files, photo_file(tmp_path, "coffee.jpg", faceless_photo()))

    expect(snapshots(page, "pending")).to_have_count(4)
    page.evaluate("window.sameDocument = true")
    site.start_worker()
    expect(snapshots(page, "analysed")).to_have_count(3)
    expect(snapshots(page, "no_face")).to_have_count(1)
    expect(page.locator("#sentiment circle")).to_have_count(3)
    assert page.evaluate("window.sameDocument"), "the page was loaded again"

    card = snapshots(page, "analysed").first
    expect(card.get_by_text(re.compile(r"Appears \w+ \d+%"))).to_be_visible()
    expect(card.get_by_role("list", name="Scores").get_by_role("listitem")).to_have_count(7)
    seen = card.get_by_role("img", name="The transformed face")
    assert seen.evaluate("image => image.complete && [image.naturalWidth, image.naturalHeight]") == [48, 48]
    expect(card.locator("svg rect.rp-box--subject")).to_have_count(1)
    assert EmotionRecord.objects.count() == 3
    assert not re.search(r"\bis (happy|angry|sad|afraid|neutral|disgusted|surprised)\b", page.inner_text("body"), re.I)
    assert {address for address in visited if not address.startswith((site.address, "blob:", "data:"))} == set()
    assert complaints == []
    if os.environ.get("UPDATE_IMAGES"):
        page.set_viewport_size({"width": 1280, "height": 1240})
        page.goto(page.url.partition("?")[0])
        expect(page.locator("#sentiment circle")).to_have_count(3)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=IMAGES / "timeline.png")


def test_a_failed_photo_says_why_and_can_be_retried(site: Site, logged_in: Page, media: Path, tmp_path: Path) -> None:
    customer = CustomerFactory()
    logged_in.goto(site.timeline(customer))
    log_photos(logged_in, photo_file(tmp_path, "face.jpg", face_photo()), consent=False)
    expect(snapshots(logged_in, "pending")).to_have_count(1)
    stored = Path(Snapshot.objects.get().file.path)
    whole = stored.read_bytes()
    stored.write_bytes(b"something overwrote it")
    site.start_worker()
    failed = snapshots(logged_in, "failed")
    expect(failed).to_contain_text("not a photo")
    stored.write_bytes(whole)
    failed.get_by_role("button", name="Retry").click()
    expect(snapshots(logged_in, "analysed")).to_have_count(1)


def test_withdrawn_consent_ends_what_waits(site: Site, logged_in: Page, media: Path, tmp_path: Path) -> None:
    customer = CustomerFactory()
    page = logged_in
    page.goto(site.timeline(customer))
    log_photos(page, photo_file(tmp_path, "face.jpg", face_photo()), consent=False)
    expect(snapshots(page, "pending")).to_have_count(1)
    page.get_by_role("link", name="Withdraw consent").click()
    page.get_by_role("button", name="Withdraw consent").click()
    expect(snapshots(page, "withheld")).to_have_count(1)
    expect(page.get_by_text("Consent withdrawn")).to_be_visible()
    wait_until(lambda: not [file for file in media.rglob("*") if file.is_file()], "the photo is deleted")


def test_staff_say_which_face_is_the_customer(site: Site, logged_in: Page, tmp_path: Path) -> None:
    customer = CustomerFactory()
    page = logged_in
    page.goto(site.timeline(customer))
    log_photos(page, photo_file(tmp_path, "two.jpg", two_faces()), consent=False)
    site.start_worker()
    card = snapshots(page, "analysed")
    card.get_by_text("1 other face in this photo").click()
    card.get_by_role("button", name="This face is the customer").click()
    wait_until(lambda: EmotionRecord.objects.get(is_subject=True).face_index == 1, "the other face is the customer")
    expect(card.locator("svg rect.rp-box--subject")).to_have_count(1)
