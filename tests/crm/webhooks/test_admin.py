"""Test the pages on which staff manage webhooks."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from crm.models import User, WebhookDelivery, WebhookEndpoint
from crm.webhooks.admin import WebhookEndpointAdmin
from crm.webhooks.delivery import unsubscribe
from crm.webhooks.models.endpoints import GONE
from crm.webhooks.services import rotate_secret, send_test
from tests.support.broker import Queue
from tests.support.factories import CustomerFactory, UserFactory
from tests.support.receiver import Receiver, answering
from tests.support.webhooks import WebhookEndpointFactory, endpoint_at
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/crm/webhookendpoint/"
NEW = {"url": "https://crm.example.com/hook", "description": "", "events": ["customer.created", "snapshot.failed"]}


def manager(*actions: str) -> User:
    staff: User = UserFactory()
    names = [f"{action}_webhookendpoint" for action in actions or ("view", "add", "change", "delete")]
    staff.user_permissions.set(Permission.objects.filter(codename__in=names))
    return staff


def page_of(endpoint: WebhookEndpoint) -> str:
    return f"{LIST}{endpoint.pk}/change/"


def press(browser: Client, endpoint: WebhookEndpoint, action: str) -> str:
    return text_of(browser.post(f"{LIST}{endpoint.pk}/act/", {"action": action}, follow=True).content)


def secret_on(page: bytes) -> str:
    secrets: list[str] = re.findall(r"whsec_[\w+/=]+", page.decode())
    assert len(secrets) == 1
    return secrets[0]


def test_the_secret_is_shown_once() -> None:
    staff = manager()
    browser = browser_of(staff)
    answer = browser.post(f"{LIST}add/", NEW)
    endpoint = WebhookEndpoint.objects.get()
    assert secret_on(answer.content) == endpoint.secret
    assert "no-store" in answer.headers["Cache-Control"]
    assert (endpoint.owner, endpoint.events) == (staff, NEW["events"])
    assert b"whsec_" not in browser.get(page_of(endpoint)).content


def test_a_rotated_secret_is_shown_once() -> None:
    endpoint = WebhookEndpointFactory(owner=manager())
    browser = browser_of(endpoint.owner)
    answer = browser.post(f"{LIST}{endpoint.pk}/act/", {"action": "rotate"})
    rotated = WebhookEndpoint.objects.get()
    assert secret_on(answer.content) == rotated.secret != endpoint.secret
    page = browser.get(page_of(endpoint))
    assert b"whsec_" not in page.content
    assert "an older one signs too until" in text_of(page.content)
    assert "Only the newest secret signs" in press(browser, endpoint, "end-old-secrets")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "https://169.254.169.254/"}, "Webhooks go to public addresses only"),
        ({"url": "http://crm.example.com/"}, "must begin with https"),
        ({"events": []}, "This field is required"),
        ({"events": ["customer.bought"]}, "not one of the available choices"),
    ],
)
def test_wrong_input_is_told_and_nothing_is_saved(wrong: dict[str, object], said: str) -> None:
    answer = browser_of(manager()).post(f"{LIST}add/", NEW | wrong)
    assert said in text_of(answer.content)
    assert not WebhookEndpoint.objects.exists()


def test_what_happens_while_the_form_is_saved_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = WebhookEndpointFactory(owner=manager())
    save = WebhookEndpointAdmin.save_model

    def after_others(*args: Any) -> None:
        rotate_secret(endpoint)
        unsubscribe(endpoint)
        save(*args)

    monkeypatch.setattr(WebhookEndpointAdmin, "save_model", after_others)
    browser_of(endpoint.owner).post(page_of(endpoint), NEW | {"description": "The shop"})
    saved = WebhookEndpoint.objects.get()
    assert (saved.description, saved.events) == ("The shop", NEW["events"])
    assert (saved.state, saved.stop_reason) == (WebhookEndpoint.State.DISABLED, GONE)
    assert saved.secret != endpoint.secret
    assert [secret for secret, _ in saved.previous_secrets] == [endpoint.secret]
    assert saved.updated_at > endpoint.updated_at


def test_a_test_shows_what_was_sent_and_what_came_back(receiver: Receiver, queue: Queue) -> None:
    endpoint = endpoint_at(receiver, manager())
    receiver.behaviour = answering(500, b"<b>broken</b>")
    browser = browser_of(endpoint.owner)
    assert "A test message is on its way" in press(browser, endpoint, "test")
    queue.work()
    assert "webhook.test Failed 1" in text_of(browser.get(page_of(endpoint)).content)
    page = browser.get(f"/admin/crm/webhookdelivery/{WebhookDelivery.objects.get().pk}/change/")
    for expected in ('"type": "webhook.test"', "webhook-signature: v1,", "answer 500", "<b>broken</b>"):
        assert expected in text_of(page.content)
    assert b"<b>broken" not in page.content


def test_a_message_is_delivered_again(receiver: Receiver, queue: Queue) -> None:
    endpoint = endpoint_at(receiver, manager())
    CustomerFactory(consenting=False)
    queue.work()
    delivery = WebhookDelivery.objects.get()
    answer = browser_of(endpoint.owner).post(f"/admin/crm/webhookdelivery/{delivery.pk}/act/", follow=True)
    assert "It is on its way again" in text_of(answer.content)
    queue.work()
    assert len(receiver.received) == 2


def test_pausing_and_resuming(receiver: Receiver, queue: Queue) -> None:
    endpoint = endpoint_at(receiver, manager())
    browser = browser_of(endpoint.owner)
    assert "Somebody paused it." in press(browser, endpoint, "pause")
    CustomerFactory(consenting=False)
    assert "1 waiting" in text_of(browser.get(page_of(endpoint)).content)
    press(browser, endpoint, "resume")
    queue.work()
    assert len(receiver.received) == 1


def test_a_webhook_that_stopped_by_itself_is_told_to_its_owner_on_every_page() -> None:
    endpoint = WebhookEndpointFactory(owner=manager())
    WebhookEndpoint.objects.filter(pk=endpoint.pk).stop(
        WebhookEndpoint.State.PAUSED, "Nothing could be delivered for 25 hours.", automatically=True
    )
    page = text_of(browser_of(endpoint.owner).get("/admin/crm/customer/").content)
    assert "Your webhook to https://crm.example.com/hook was paused. Nothing could be delivered for 25 hours." in page
    assert "Your webhook" not in text_of(browser_of(manager()).get("/admin/crm/customer/").content)


def test_a_webhook_that_has_unsubscribed_says_so(queue: Queue) -> None:
    endpoint = WebhookEndpointFactory(owner=manager())
    WebhookEndpoint.objects.filter(pk=endpoint.pk).stop(WebhookEndpoint.State.DISABLED, "gone")
    browser = browser_of(endpoint.owner)
    assert "Resume the webhook first" in press(browser, endpoint, "test")
    assert queue.messages() == []


def test_without_permission_there_is_nothing_to_see_or_do() -> None:
    endpoint = WebhookEndpointFactory(owner=UserFactory())
    browser = browser_of(endpoint.owner)
    assert [browser.get(page).status_code for page in (LIST, f"{LIST}add/", page_of(endpoint))] == [403] * 3
    assert browser.post(f"{LIST}{endpoint.pk}/act/", {"action": "rotate"}).status_code == 403
    assert WebhookEndpoint.objects.get().secret == endpoint.secret


def test_who_may_only_look_finds_no_buttons() -> None:
    endpoint = WebhookEndpointFactory(owner=manager("view"))
    browser = browser_of(endpoint.owner)
    page = text_of(browser.get(page_of(endpoint)).content)
    assert "Messages" in page
    assert "Rotate" not in page
    assert browser.post(f"{LIST}{endpoint.pk}/act/", {"action": "pause"}).status_code == 403


def test_other_peoples_webhooks_are_not_there() -> None:
    endpoint = WebhookEndpointFactory()
    delivery = send_test(endpoint)
    browser = browser_of(manager())
    assert endpoint.url not in text_of(browser.get(LIST).content)
    assert browser.post(f"{LIST}{endpoint.pk}/act/", {"action": "pause"}).status_code == 404
    assert browser.post(f"/admin/crm/webhookdelivery/{delivery.pk}/act/").status_code == 404
    everyone = manager()
    everyone.user_permissions.add(Permission.objects.get(codename="view_every_customer"))
    assert endpoint.url in text_of(browser_of(everyone).get(LIST).content)


def test_buttons_need_a_post_and_an_action() -> None:
    endpoint = WebhookEndpointFactory(owner=manager())
    browser = browser_of(endpoint.owner)
    assert browser.get(f"{LIST}{endpoint.pk}/act/").status_code == 405
    assert browser.post(f"{LIST}{endpoint.pk}/act/", {"action": "explode"}).status_code == 403


def test_the_number_of_queries_is_constant(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    endpoint = WebhookEndpointFactory(owner=manager())
    rotate_secret(endpoint)
    for _ in range(30):
        send_test(endpoint)
    browser = browser_of(endpoint.owner)
    with django_assert_max_num_queries(20):
        browser.get(page_of(endpoint))
    with django_assert_max_num_queries(16):
        browser.get("/admin/crm/webhookdelivery/")
