"""Test the actions on webhooks (rotate, pause, resume, test, deliver again), and what the sweep tidies up."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from pytest_django import Settings

from crm.models import DeliveryAttempt, User, WebhookDelivery, WebhookEndpoint, WebhookMessage
from crm.tasks import deliver_webhooks, forget_old_messages
from crm.webhooks.models.deliveries import ABANDONED
from crm.webhooks.services import (
    EndpointUnsubscribed,
    add_endpoint,
    pause,
    redeliver,
    redeliver_failed,
    resume,
    rotate_secret,
    send_test,
)
from jobs.tasks import sweep
from tests.support.broker import Queue, use_redis
from tests.support.factories import CustomerFactory, UserFactory
from tests.support.receiver import Receiver, answering
from tests.support.threads import at_once
from tests.support.webhooks import WebhookEndpointFactory, delivery_states, endpoint_at

pytestmark = pytest.mark.django_db(transaction=True)
Status = WebhookDelivery.Status
State = WebhookEndpoint.State
NOBODY_LISTENS = "redis://127.0.0.1:1/0"


def event() -> WebhookDelivery:
    CustomerFactory(consenting=False)
    return WebhookDelivery.objects.latest("pk")


def age(**past: float) -> None:
    WebhookMessage.objects.update(created_at=timezone.now() - timedelta(**past))


def test_a_new_endpoint_has_a_secret_of_its_own() -> None:
    staff = UserFactory()
    first, second = (add_endpoint(staff, url="https://crm.example.com/", events=["customer.created"]) for _ in range(2))
    assert first.secret.startswith("whsec_")
    assert first.secret != second.secret
    assert first.is_active


@pytest.mark.parametrize(
    "wrong",
    [{"url": "https://10.0.0.1/"}, {"events": []}, {"events": ["customer.bought"]}, {"events": ["webhook.test"]}],
)
def test_wrong_input_is_refused(wrong: dict[str, object]) -> None:
    given = {"url": "https://crm.example.com/", "events": ["customer.created"]} | wrong
    with pytest.raises(ValidationError):
        add_endpoint(UserFactory(), **given)  # type: ignore[arg-type]  # wrong ones among them
    assert not WebhookEndpoint.objects.exists()


def test_the_old_secret_goes_on_until_it_expires(settings: Settings) -> None:
    settings.WEBHOOK_SECRET_OVERLAP_HOURS = 2
    endpoint = WebhookEndpointFactory()
    first, second = (rotate_secret(endpoint) for _ in range(2))  # a double click must not invalidate a secret
    rotated, now = WebhookEndpoint.objects.get(), timezone.now()
    assert rotated.valid_secrets(now + timedelta(hours=1)) == [second, first, endpoint.secret]
    assert rotated.valid_secrets(now + timedelta(hours=3)) == [second]


def test_what_waited_is_delivered_on_resuming(receiver: Receiver, queue: Queue) -> None:
    endpoint = endpoint_at(receiver)
    event()
    assert pause(endpoint)
    assert not pause(endpoint)
    event()
    queue.work()
    WebhookDelivery.objects.update(due_at=timezone.now() + timedelta(hours=5))
    assert receiver.received == []
    assert resume(endpoint)
    assert not resume(endpoint)
    queue.work()
    assert receiver.types == ["customer.created"] * 2


def test_a_test_is_delivered_to_a_paused_endpoint_too_and_once(receiver: Receiver, queue: Queue) -> None:
    endpoint = endpoint_at(receiver, events=["customer.deleted"])
    pause(endpoint)
    receiver.behaviour = answering(500)
    send_test(endpoint)
    queue.work()
    assert receiver.types == ["webhook.test"]
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.error) == (Status.FAILED, "The test failed: answer 500.")
    endpoint.refresh_from_db()
    assert endpoint.consecutive_failures == 0


def test_a_message_is_delivered_again_by_hand(receiver: Receiver, queue: Queue) -> None:
    endpoint_at(receiver)
    delivery = event()
    queue.work()
    assert at_once(lambda: redeliver(delivery)) == [True, True]
    queue.work()
    queue.work()
    assert len(receiver.received) == 2
    assert receiver.received[0].body == receiver.received[1].body
    assert (delivery_states(), DeliveryAttempt.objects.count()) == ([Status.DELIVERED], 2)


def test_what_is_being_delivered_is_left_alone(receiver: Receiver) -> None:
    endpoint_at(receiver)
    delivery = event()
    assert WebhookDelivery.objects.claim_next()
    assert not redeliver(delivery)


def test_all_that_failed_is_delivered_again(receiver: Receiver, queue: Queue) -> None:
    endpoint = endpoint_at(receiver)
    for _ in range(3):
        event()
    queue.take()
    WebhookDelivery.objects.exclude(pk=event().pk).fail("because")
    assert redeliver_failed(endpoint) == 3
    while queue.messages():
        queue.work()
    assert delivery_states() == [Status.DELIVERED] * 4


def test_nothing_is_sent_to_whom_has_unsubscribed(receiver: Receiver) -> None:
    endpoint = endpoint_at(receiver)
    delivery = event()
    WebhookEndpoint.objects.filter(pk=endpoint.pk).stop(State.DISABLED, "gone")
    for act in (lambda: redeliver(delivery), lambda: redeliver_failed(endpoint), lambda: send_test(endpoint)):
        with pytest.raises(EndpointUnsubscribed):
            act()
    assert resume(endpoint)
    assert redeliver(delivery)


def test_a_broker_that_is_down_loses_nothing(receiver: Receiver, queue: Queue) -> None:
    endpoint_at(receiver)
    use_redis(NOBODY_LISTENS)
    event()
    queue.listen()
    assert queue.messages() == []
    sweep()
    queue.work()
    assert delivery_states() == [Status.DELIVERED]


def test_a_lost_message_and_a_dead_workers_claim_are_taken_up_again(receiver: Receiver, queue: Queue) -> None:
    endpoint_at(receiver)
    event(), event()
    queue.take()
    abandoned = WebhookDelivery.objects.claim_next()
    assert abandoned
    long_ago = timezone.now() - timedelta(hours=1)
    WebhookDelivery.objects.filter(pk=abandoned.pk).update(claim_expires_at=long_ago)
    sweep()
    queue.work()
    assert delivery_states() == [Status.DELIVERED] * 2


def test_what_breaks_off_every_time_is_given_up(settings: Settings) -> None:
    settings.WEBHOOK_RETRY_DELAYS = []
    WebhookEndpointFactory()
    event()
    assert WebhookDelivery.objects.claim_next()
    WebhookDelivery.objects.update(claim_expires_at=timezone.now())
    sweep()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.error) == (Status.FAILED, ABANDONED)


def test_old_messages_go_with_their_log(receiver: Receiver, queue: Queue) -> None:
    endpoint_at(receiver)
    event()
    queue.work()
    age(days=29)
    forget_old_messages()
    assert WebhookMessage.objects.count() == 1
    age(days=31)
    forget_old_messages()
    assert not WebhookMessage.objects.exists()
    assert not DeliveryAttempt.objects.exists()


def test_old_messages_that_an_active_endpoint_still_gets_stay(receiver: Receiver) -> None:
    endpoint = endpoint_at(receiver)
    event()
    age(days=31)
    forget_old_messages()
    assert WebhookMessage.objects.count() == 1
    pause(endpoint)
    forget_old_messages()
    assert not WebhookMessage.objects.exists()
    deliver_webhooks()
    assert receiver.received == []


def test_old_messages_for_a_person_who_left_go(receiver: Receiver) -> None:
    endpoint = endpoint_at(receiver)
    event()
    age(days=31)
    User.objects.filter(pk=endpoint.owner_id).update(is_active=False)
    forget_old_messages()
    assert not WebhookMessage.objects.exists()
