"""Create an API key in the browser, use it and revoke it."""

import requests
from playwright.sync_api import Page, expect

from crm.models import ApiKey
from tests.support.site import Site, expect_fits, held_back


def click(page: Page) -> None:
    """Click at the mouse's position. Playwright's own click would wait for what it starts."""
    page.mouse.down()
    page.mouse.up()


def test_two_clicks_make_one_key(logged_in: Page) -> None:
    page = logged_in
    page.get_by_role("link", name="API keys").click()
    page.get_by_role("link", name="Add").first.click()
    page.get_by_label("Name").fill("HubSpot")
    page.get_by_label("Read customers and consents").check()
    page.get_by_role("button", name="Save", exact=True).hover()
    with held_back(page, page.url) as sent:
        with page.expect_request(page.url):
            click(page)
        click(page)  # before the first click is answered
    expect(page.get_by_role("button", name="Copy")).to_be_visible()
    assert ApiKey.objects.count() == len(sent) == 1


def test_a_key_is_made_copied_used_and_revoked(site: Site, logged_in: Page, complaints: list[str]) -> None:
    page = logged_in
    page.get_by_role("link", name="API keys").click()
    page.get_by_role("link", name="Add").first.click()
    page.set_viewport_size({"width": 390, "height": 844})
    expect_fits(page)
    page.get_by_label("Name").fill("HubSpot")
    page.get_by_label("Read customers and consents").check()
    page.get_by_role("button", name="Save", exact=True).dblclick()

    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.get_by_label("Key", exact=True).input_value()

    def status() -> int:
        headers = {"Authorization": f"Bearer {copied}"}
        return requests.get(f"{site.address}/api/v1/customers", headers=headers, timeout=60).status_code

    assert status() == 200
    page.reload()  # reloading creates no second key
    expect(page.get_by_role("link", name="Revoke HubSpot")).to_be_visible()
    assert ApiKey.objects.count() == 1
    assert copied.partition(".")[2] not in page.content()

    expect_fits(page)
    page.get_by_role("link", name="Revoke HubSpot").click()
    page.get_by_role("button", name="Yes, revoke").click()
    expect(page.get_by_text("The key “HubSpot” is revoked.")).to_be_visible()
    assert status() == 401
    assert complaints == []
