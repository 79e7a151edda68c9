"""Test how staff correct faces, and review those that the model is unsure of."""

from playwright.sync_api import Browser, Page, expect

from emotions.models import EmotionCorrection, EmotionRecord
from tests.support.factories import CustomerFactory, EmotionRecordFactory, ModelVersionFactory
from tests.support.site import Site, expect_fits, snapshots


def uncertain(**values: object) -> EmotionRecord:
    version = ModelVersionFactory(version="careful", uncertain_below=0.5)
    scores = {"score_sad": 0.34, "score_neutral": 0.31, "score_happy": 0.15}
    return EmotionRecordFactory(snapshot__model_version=version, dominant_emotion="sad", **scores, **values)


def test_a_corrected_face_shows_both_answers_and_changes_the_chart(
    site: Site, logged_in: Page, visited: list[str], complaints: list[str]
) -> None:
    page, customer = logged_in, CustomerFactory(name="Robin Okafor")
    EmotionRecordFactory(snapshot__interaction__customer=customer)
    page.goto(site.timeline(customer))
    page.evaluate("window.sameDocument = true")
    card = snapshots(page, "analysed")
    card.get_by_text("Not right? Say what you saw").press("Enter")  # opens the form by keyboard
    card.get_by_role("button", name="sad").press("Enter")
    expect(card.get_by_text("Appears sad")).to_be_focused()
    expect(card).to_contain_text("Said by Sam Rivera")
    expect(card).to_contain_text("The model: appears happy 70%")
    expect(page.locator("#sentiment circle.rp-chart__dot--said")).to_have_count(1)
    assert EmotionCorrection.objects.get().emotion == "sad"

    card.get_by_role("button", name="Take it back").click()
    expect(card).to_contain_text("Appears happy 70%")
    expect(page.locator("#sentiment circle.rp-chart__dot--said")).to_have_count(0)
    assert page.evaluate("window.sameDocument"), "the page was loaded again"
    assert {address for address in visited if not address.startswith((site.address, "blob:", "data:"))} == set()
    assert complaints == []


def test_uncertain_faces_are_reviewed_one_after_the_other(site: Site, logged_in: Page, complaints: list[str]) -> None:
    page, customer = logged_in, CustomerFactory(name="Robin Okafor")
    first = uncertain(snapshot__interaction__customer=customer)
    EmotionRecordFactory(snapshot__interaction__customer=customer)
    page.goto(f"{site.address}/")
    page.get_by_role("link", name="Review").click()
    faces = page.locator("li[data-review]")
    expect(faces).to_have_count(2)
    expect(faces.first).to_contain_text("Perhaps sad 34% or neutral 31%")
    faces.first.get_by_role("button", name="neutral").dblclick()
    expect(faces.first).to_contain_text("Said by Sam Rivera")
    assert [each.emotion for each in first.corrections.all()] == ["neutral"]
    faces.last.get_by_text("Show the whole photo").click()
    expect(faces.last.locator(".rp-photo rect.rp-box--subject")).to_be_visible()
    faces.last.get_by_role("button", name="Right: happy").click()
    expect(faces.last).to_contain_text("The model too: appears happy 70%")

    page.get_by_role("link", name="Disagreement").click()
    expect(page.locator("[data-version]")).to_have_count(2)
    expect(page.locator("[data-version]").filter(has_text="careful")).to_contain_text("1 of 1")
    page.get_by_role("link", name="Least certain faces").click()
    expect(page.get_by_text("There is no face to review")).to_be_visible()
    expect_fits(page)
    assert complaints == []


def test_without_scripts(site: Site, logged_in: Page, browser: Browser) -> None:
    record = uncertain()
    page = browser.new_context(java_script_enabled=False, storage_state=logged_in.context.storage_state()).new_page()
    page.goto(f"{site.address}/admin/review/")
    page.get_by_role("button", name="neutral").click()
    expect(page.get_by_text("You can change it on the timeline")).to_be_visible()
    page.goto(site.timeline(record.snapshot.interaction.customer))
    page.get_by_text("Say something else").click()
    page.get_by_role("button", name="surprised").click()
    expect(page.locator("[data-said=surprise]")).to_be_visible()
    page.context.close()


def test_what_is_gone_meanwhile_is_said_and_not_passed_over(site: Site, logged_in: Page) -> None:
    page, customer = logged_in, CustomerFactory(name="Robin Okafor")
    first = uncertain(snapshot__interaction__customer=customer)
    second = uncertain(snapshot__interaction__customer=customer)
    page.goto(f"{site.address}/")
    page.get_by_role("link", name="Review").click()
    faces = page.locator("li[data-review]")
    expect(faces).to_have_count(2)
    first.snapshot.delete()
    page.locator(f"#face-{first.pk}").get_by_role("button", name="neutral").click()
    expect(page.get_by_role("alert")).to_contain_text("This was deleted, or the photo was analysed again")
    page.locator(f"#face-{second.pk}").get_by_role("button", name="neutral").click()
    expect(page.get_by_text("Said by Sam Rivera")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
