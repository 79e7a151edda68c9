"""Test how the person who connects another system sets up webhooks."""

from playwright.sync_api import Page, expect

from crm.models import User, WebhookEndpoint
from tests.support.factories import CustomerFactory
from tests.support.receiver import Receiver, answering
from tests.support.site import Site, expect_fits
from tests.support.waiting import wait_until
from tests.support.webhooks import endpoint_at


def test_a_webhook_is_added_tested_and_its_secret_rotated(
    site: Site, receiver: Receiver, logged_in: Page, complaints: list[str]
) -> None:
    page = logged_in
    page.get_by_role("link", name="Webhooks").click()
    page.get_by_role("link", name="Add webhook").first.click()
    page.get_by_label("Address").fill("http://10.1.2.3/hook")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("must begin with https")).to_be_visible()
    page.get_by_label("Address").fill("https://receiver.example/hook")
    page.get_by_label("A customer was added").check()
    page.get_by_role("button", name="Save", exact=True).click()
    secret = page.get_by_label("Secret", exact=True)
    expect(secret).to_have_value(WebhookEndpoint.objects.get().secret)
    page.get_by_role("link", name="I have copied it").click()

    WebhookEndpoint.objects.update(url=receiver.url)
    receiver.behaviour = answering(500, b'{"error": "database is down"}')
    site.start_deliveries()
    page.get_by_role("button", name="Send a test").click()
    wait_until(lambda: receiver.types == ["webhook.test"], "the test arrives")
    CustomerFactory(consenting=False)
    wait_until(lambda: len(receiver.received) > 1, "the event arrives")
    page.reload()
    expect(page.get_by_text("Failed").first).to_be_visible()
    page.get_by_role("row", name="webhook.test").get_by_role("link").click()
    expect(page.get_by_text("database is down")).to_be_visible()
    receiver.behaviour = answering(200)
    page.get_by_role("button", name="Deliver again").click()
    wait_until(lambda: receiver.types[-1] == "webhook.test" and len(receiver.received) > 2, "the test arrives again")
    page.get_by_role("link", name=receiver.url).click()
    page.get_by_role("button", name="Rotate the secret").click()
    expect(page.get_by_text("until")).to_be_visible()
    expect(secret).to_have_value(WebhookEndpoint.objects.get().secret)
    assert complaints == []


def test_the_owner_is_told_on_a_phone_of_a_webhook_that_stopped(
    site: Site, logged_in: Page, receiver: Receiver
) -> None:
    page = logged_in
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    endpoint = endpoint_at(receiver, User.objects.get(username="sam"), description="Our shop")
    reason = "Nothing could be delivered for 25 hours, in 8 attempts one after another."
    WebhookEndpoint.objects.filter(pk=endpoint.pk).stop(WebhookEndpoint.State.PAUSED, reason, automatically=True)
    CustomerFactory(consenting=False)
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text(reason)
    expect_fits(page)
    page.get_by_role("link", name="See what happened").click()
    expect_fits(page)
    page.get_by_role("button", name="Resume").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Resumed. What waited is on its way.")).to_be_visible()
    expect(page.get_by_text("1 waiting")).to_be_visible()
    page.goto(f"{site.address}/admin/crm/webhookdelivery/{endpoint.deliveries.get().pk}/change/")
    expect_fits(page)
    page.goto(f"{site.address}/admin/crm/webhookendpoint/")
    expect_fits(page)
