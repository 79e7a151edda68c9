"""Test photos from every source in the log form, and files that are not photos."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from crm.models import Interaction
from emotions.models import Snapshot
from tests.support.factories import CustomerFactory, face_photo
from tests.support.site import Site, held_back, log_photos, photo_file, snapshots

DROP = """async ({selector, files}) => {
    const transfer = new DataTransfer();
    for (const {name, bytes} of files)
        transfer.items.add(new File([new Uint8Array(bytes)], name, {type: "image/jpeg"}));
    for (const type of ["dragover", "drop"])
        document.querySelector(selector).dispatchEvent(
            new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer: transfer}));
}"""

# Take a picture as if the camera had still been starting when the form was sent.
TAKE = """() => {
    const taker = document.querySelector("[data-camera-take]");
    taker.disabled = false;
    taker.click();
}"""

# Imitate a phone, as Chromium films with one camera only. Note the direction of the camera that is asked for.
TWO_CAMERAS = """() => {
    window.asked = [];
    const devices = navigator.mediaDevices;
    const open = devices.getUserMedia.bind(devices), list = devices.enumerateDevices.bind(devices);
    devices.enumerateDevices = async () => [...(await list()), ...(await list())];
    devices.getUserMedia = (constraints) => {
        window.asked.push(constraints.video.facingMode);
        return open(constraints);
    };
}"""


@pytest.fixture
def log_page(site: Site, logged_in: Page) -> Page:
    customer = CustomerFactory()
    logged_in.goto(f"{site.timeline(customer)}log/")
    return logged_in


def drop(page: Page, **files: bytes) -> None:
    dropped = [{"name": f"{name}.jpg", "bytes": list(content)} for name, content in files.items()]
    page.evaluate(DROP, {"selector": "[data-drop]", "files": dropped})


def send(page: Page) -> None:
    with page.expect_request("**/log/"):
        page.get_by_role("button", name="Log interaction").click()


def chosen(page: Page) -> Locator:
    return page.get_by_role("list", name="Chosen photos").get_by_role("listitem")


def test_dropped_photos_and_errors_that_keep_them(log_page: Page, media: Path) -> None:
    page = log_page
    drop(page, face=face_photo(), letter=b"Dear customer,", other=face_photo(1))
    page.get_by_label("Notes").fill("Came in about the delivery.")
    page.get_by_role("button", name="Log interaction").click()
    refused = chosen(page).filter(has_text="letter.jpg")
    expect(refused).to_contain_text("not a photo")
    expect(chosen(page)).to_have_count(3)
    assert not Interaction.objects.exists()
    assert not [file for file in media.rglob("*") if file.is_file()]

    page.get_by_role("button", name="Remove letter.jpg").click()
    page.get_by_role("button", name="Log interaction").click()
    expect(snapshots(page, "pending")).to_have_count(2)
    assert Interaction.objects.get().notes == "Came in about the delivery."
    assert Snapshot.objects.count() == 2


def test_a_photo_from_the_webcam(site: Site, log_page: Page) -> None:
    page = log_page
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take photo").click()
    expect(chosen(page)).to_have_count(1)
    page.get_by_role("button", name="Close camera").click()
    page.get_by_role("button", name="Log interaction").click()
    site.start_worker()
    expect(snapshots(page, "analysed")).to_have_count(1)


def test_the_camera_that_shows_the_customer_opens_first(site: Site, log_page: Page) -> None:
    page = log_page
    page.evaluate(TWO_CAMERAS)
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("button", name="Take photo")).to_be_enabled()
    page.get_by_role("button", name="Switch camera").click()
    expect(page.get_by_role("button", name="Take photo")).to_be_enabled()
    assert page.evaluate("window.asked") == ["environment", "user"]
    page.get_by_role("button", name="Take photo").click()
    expect(chosen(page)).to_have_count(1)


def test_a_camera_that_does_not_play_says_so_and_can_be_tried_again(log_page: Page) -> None:
    page = log_page
    page.evaluate("""() => {
        const video = document.querySelector("video");
        video.play = () => {
            window.tracks = video.srcObject.getTracks();
            delete video.play;
            return Promise.reject(new Error("Broken."));
        };
    }""")
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_text("The camera could not be started. Broken.")).to_be_visible()
    assert page.evaluate("window.tracks.map((track) => track.readyState)") == ["ended"]
    page.get_by_role("button", name="Close camera").click()
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take photo").click()
    expect(chosen(page)).to_have_count(1)


def test_a_photo_cannot_be_removed_while_it_is_sent(log_page: Page, complaints: list[str]) -> None:
    page = log_page
    drop(page, face=face_photo(), letter=b"Dear customer,")
    with held_back(page, "**/log/"):
        send(page)
        page.get_by_role("button", name="Remove letter.jpg").click(force=True)
    expect(chosen(page).filter(has_text="letter.jpg")).to_contain_text("not a photo")
    expect(page.get_by_text("Nothing was saved yet.")).to_be_visible()
    page.unroute("**/log/")
    page.get_by_role("button", name="Remove letter.jpg").click()
    page.get_by_role("button", name="Log interaction").click()
    expect(snapshots(page, "pending")).to_have_count(1)


def test_photos_that_come_while_the_form_is_sent_are_refused_aloud(log_page: Page, tmp_path: Path) -> None:
    page = log_page
    drop(page, face=face_photo())
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("button", name="Take photo")).to_be_enabled()
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Choose photos").click()
    refusal = page.get_by_role("alert").get_by_text("no photo was added")
    with held_back(page, "**/log/"):
        send(page)
        expect(page.locator("#log-form :is(button, input, select, textarea):enabled")).to_have_count(0)
        chooser.value.set_files(photo_file(tmp_path, "picked.jpg", face_photo(1)))
        expect(refusal).to_be_visible()
        page.evaluate("document.querySelector('[data-error=photos]').replaceChildren()")
        drop(page, dropped=face_photo(1))
        expect(refusal).to_be_visible()
        page.evaluate(TAKE)
        expect(page.get_by_text("The photo was not added")).to_be_visible()
        expect(chosen(page)).to_have_count(1)
    expect(snapshots(page, "pending")).to_have_count(1)
    assert Snapshot.objects.count() == 1


def test_a_photo_that_is_chosen_before_the_script_is_there_is_kept(site: Site, logged_in: Page, tmp_path: Path) -> None:
    page, script = logged_in, "**/emotions/log/log.*js"
    with held_back(page, script):
        with page.expect_request(script):
            page.goto(f"{site.timeline(CustomerFactory())}log/", wait_until="commit")
        page.get_by_label("Choose photos").set_input_files(photo_file(tmp_path, "face.jpg", face_photo()))
    expect(chosen(page)).to_have_count(1)
    page.get_by_role("button", name="Log interaction").click()
    expect(snapshots(page, "pending")).to_have_count(1)


def test_two_clicks_log_one_interaction(log_page: Page) -> None:
    drop(log_page, face=face_photo())
    log_page.get_by_role("button", name="Log interaction").dblclick()
    expect(snapshots(log_page, "pending")).to_have_count(1)
    assert Interaction.objects.count() == 1


def test_photos_need_the_customer_s_consent(site: Site, logged_in: Page, tmp_path: Path) -> None:
    page = logged_in
    page.goto(site.timeline(CustomerFactory(consenting=False)))
    log_photos(page, photo_file(tmp_path, "face.jpg", face_photo()), consent=False)
    expect(page.locator("#id_consent_error")).to_contain_text("Photos need the customer's consent")
    page.get_by_role("checkbox", name="The customer agreed").check()
    page.get_by_role("button", name="Log interaction").click()
    expect(snapshots(page, "pending")).to_have_count(1)


def test_errors_are_said_at_the_top_and_lead_to_the_first_place(site: Site, logged_in: Page, tmp_path: Path) -> None:
    page = logged_in
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(site.timeline(CustomerFactory(consenting=False)))
    log_photos(page, photo_file(tmp_path, "face.jpg", face_photo()), consent=False)
    tick = page.get_by_role("checkbox", name="The customer agreed")
    expect(tick).to_be_focused()
    expect(tick).to_be_in_viewport()
    expect(tick).to_have_accessible_description(re.compile("^Photos need the customer's consent"))
    page.locator("[data-error=__all__]").get_by_role("link", name="Photos need the customer's consent").click()
    expect(tick).to_be_focused()


def test_by_keyboard_alone(log_page: Page, tmp_path: Path) -> None:
    page = log_page
    page.get_by_label("Kind").focus()
    page.keyboard.type("Meeting")
    page.keyboard.press("Tab")
    for _ in range(20):  # browsers step through the parts of a date and time
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "notes":
            break
    page.keyboard.type("By keyboard")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "submit":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text("By keyboard")).to_be_visible()
    interaction = Interaction.objects.get()
    assert (interaction.kind, interaction.notes) == ("meeting", "By keyboard")


def test_without_scripts(site: Site, logged_in: Page, browser: Browser, tmp_path: Path) -> None:
    page = browser.new_context(java_script_enabled=False, storage_state=logged_in.context.storage_state()).new_page()
    page.goto(site.timeline(CustomerFactory()))
    log_photos(page, photo_file(tmp_path, "letter.jpg", b"Dear customer,"), consent=False)
    expect(page.locator("#id_photos_error")).to_contain_text("letter.jpg: ")
    expect(page.locator("#id_photos_error")).to_contain_text("not a photo")
    expect(page.get_by_label("Choose photos")).to_be_focused()
    page.get_by_label("Choose photos").set_input_files(photo_file(tmp_path, "face.jpg", face_photo()))
    page.get_by_role("button", name="Log interaction").click()
    expect(snapshots(page, "pending")).to_have_count(1)
    page.context.close()
