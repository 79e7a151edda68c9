"""Test what happens to a delivery, with a real receiver at the other end."""

import threading
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import WebhookVerificationError

from crm.consents.services import record_consent
from crm.customers.services import upsert_customers
from crm.models import Consent, DeliveryAttempt, User, WebhookDelivery, WebhookEndpoint, WebhookMessage
from crm.webhooks import tasks
from crm.webhooks.models.deliveries import AT_ONCE_PER_ENDPOINT
from crm.webhooks.services import end_old_secrets, pause, resume, rotate_secret, send_test
from crm.webhooks.signing import new_secret
from crm.webhooks.tasks import deliver_webhooks
from jobs.dispatch import ENOUGH
from jobs.tasks import sweep
from tests.support.broker import Queue
from tests.support.databases import on_sqlite, somebody_waits_for_a_lock
from tests.support.factories import CustomerFactory
from tests.support.receiver import Handler, Receiver, answering, answering_in_turn
from tests.support.threads import at_once, in_thread
from tests.support.waiting import DEADLINE, wait_until
from tests.support.webhooks import WebhookEndpointFactory, delivery_states, endpoint_at

pytestmark = pytest.mark.django_db(transaction=True)
Status = WebhookDelivery.Status


def event() -> WebhookDelivery:
    """Cause an event, and return its delivery to the only endpoint."""
    CustomerFactory(consenting=False)
    return WebhookDelivery.objects.latest("pk")


def make_due() -> None:
    WebhookDelivery.objects.filter(status=Status.PENDING).update(due_at=timezone.now())


def test_a_message_arrives_signed_and_is_logged(receiver: Receiver, queue: Queue) -> None:
    endpoint = endpoint_at(receiver)
    receiver.behaviour = answering(202, b"thanks\0")
    delivery = event()
    queue.work()
    [received] = receiver.received
    payload = received.verify(endpoint.secret)
    assert (payload["type"], set(payload)) == ("customer.created", {"type", "timestamp", "data"})
    assert received.headers["webhook-id"] == str(delivery.message.uuid)
    assert received.headers["Content-Type"] == "application/json"
    attempt = DeliveryAttempt.objects.get()
    assert (attempt.response_status, attempt.response_body, attempt.error) == (202, "thanks\ufffd", "")
    assert attempt.request_headers["webhook-signature"] == received.headers["webhook-signature"]
    assert delivery_states() == [Status.DELIVERED]


def test_both_secrets_sign_while_they_overlap(receiver: Receiver, queue: Queue) -> None:
    endpoint = endpoint_at(receiver)
    new = rotate_secret(endpoint)
    event()
    queue.work()
    end_old_secrets(endpoint)
    event()
    queue.work()
    during, after = receiver.received
    assert during.verify(endpoint.secret) == during.verify(new)
    assert after.verify(new)
    for received, secret in ((after, endpoint.secret), (during, new_secret())):
        with pytest.raises(WebhookVerificationError):
            received.verify(secret)


def test_a_failure_is_tried_again_later_each_time(receiver: Receiver, queue: Queue, settings: Settings) -> None:
    endpoint_at(receiver)
    receiver.behaviour = answering_in_turn(500, 503, 200)
    event()
    for delay in settings.WEBHOOK_RETRY_DELAYS[:2]:
        before = timezone.now()
        queue.work()
        waiting = WebhookDelivery.objects.get()
        assert waiting.status == Status.PENDING
        assert 0.8 * delay <= (waiting.due_at - before).total_seconds() <= 1.2 * delay + 10
        sweep()
        assert queue.messages() == []  # it is not due yet
        make_due()
        sweep()
    queue.work()
    assert delivery_states() == [Status.DELIVERED]
    assert len({each.headers["webhook-id"] for each in receiver.received}) == 1
    assert WebhookEndpoint.objects.get().consecutive_failures == 0


def test_it_is_given_up_after_the_last_attempt(receiver: Receiver, settings: Settings) -> None:
    settings.WEBHOOK_RETRY_DELAYS = [0, 0]
    endpoint_at(receiver)
    receiver.behaviour = answering(500)
    delivery = event()
    deliver_webhooks()
    delivery.refresh_from_db()
    assert delivery.status == Status.FAILED
    assert delivery.error == "Given up after 3 attempts. The last one: answer 500."
    assert (len(receiver.received), delivery.log.count()) == (3, 3)


def test_a_receiver_that_is_down_is_logged_and_tried_again(receiver: Receiver, queue: Queue) -> None:
    endpoint_at(receiver)
    event()
    receiver.stop()
    queue.work()
    attempt = DeliveryAttempt.objects.get()
    assert (attempt.response_status, attempt.error) == (None, "No connection: Connection refused")
    assert delivery_states() == [Status.PENDING]


def test_redirects_are_failures_and_not_followed(receiver: Receiver, queue: Queue) -> None:
    endpoint_at(receiver)
    receiver.behaviour = answering(302, Location=f"{receiver.url}/elsewhere")
    event()
    queue.work()
    assert [each.path for each in receiver.received] == ["/hook"]
    assert delivery_states() == [Status.PENDING]
    assert DeliveryAttempt.objects.get().response_status == 302


def test_410_unsubscribes(receiver: Receiver, queue: Queue) -> None:
    endpoint = endpoint_at(receiver)
    receiver.behaviour = answering(410)
    event()
    queue.take()
    event()
    queue.work()
    event()
    endpoint.refresh_from_db()
    assert endpoint.state == WebhookEndpoint.State.DISABLED
    assert delivery_states() == [Status.FAILED, Status.FAILED]
    assert len(receiver.received) == 1


@pytest.mark.parametrize("gone", [{"is_active": False}, {"is_staff": False}], ids=["deactivated", "no longer staff"])
def test_what_waits_for_a_person_who_left_is_sent_when_they_are_back(
    receiver: Receiver, queue: Queue, gone: dict[str, bool]
) -> None:
    endpoint = endpoint_at(receiver)
    receiver.behaviour = answering(500)
    retried = event()
    queue.work()
    event()
    queue.take()
    User.objects.filter(pk=endpoint.owner_id).update(**gone)
    send_test(endpoint)
    queue.work()
    make_due()
    sweep()
    assert queue.messages() == []
    deliver_webhooks()
    assert len(receiver.received) == 1
    assert list(WebhookDelivery.objects.order_by("pk").values_list("status", "attempts")) == [
        (Status.PENDING, 1),
        (Status.PENDING, 0),
        (Status.PENDING, 0),
    ]

    User.objects.filter(pk=endpoint.owner_id).update(is_active=True, is_staff=True)
    receiver.behaviour = answering(200)
    sweep()
    while queue.messages():
        queue.work()
    assert delivery_states() == [Status.DELIVERED] * 3
    assert WebhookDelivery.objects.get(pk=retried.pk).attempts == 2


def test_resuming_the_webhook_of_a_person_who_left_sends_nothing(receiver: Receiver, queue: Queue) -> None:
    endpoint = endpoint_at(receiver)
    pause(endpoint)
    event()
    User.objects.filter(pk=endpoint.owner_id).update(is_active=False)
    assert resume(endpoint)
    queue.work()
    assert receiver.received == []
    assert delivery_states() == [Status.PENDING]


def test_long_failure_pauses_and_says_so(receiver: Receiver, queue: Queue, settings: Settings) -> None:
    settings.WEBHOOK_PAUSE_AFTER_FAILURES = 3
    endpoint = endpoint_at(receiver)
    receiver.behaviour = answering(500)
    for _ in range(4):
        event()
    queue.work()
    endpoint.refresh_from_db()
    # It has not failed long enough to be paused.
    assert (endpoint.is_active, endpoint.consecutive_failures) == (True, 4)
    WebhookEndpoint.objects.update(failing_since=timezone.now() - timedelta(hours=25))
    event()
    queue.work()
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.stopped_automatically) == (WebhookEndpoint.State.PAUSED, True)
    assert endpoint.stop_reason == "Nothing could be delivered for 25 hours, in 5 attempts one after another."
    make_due()
    sweep()
    assert queue.messages() == []
    assert delivery_states() == [Status.PENDING] * 5


def test_of_two_workers_one_attempts(receiver: Receiver) -> None:
    endpoint_at(receiver)
    event()
    at_once(deliver_webhooks, times=4)
    assert len(receiver.received) == 1
    assert WebhookDelivery.objects.get().attempts == 1


def test_a_claim_that_ran_out_is_taken_over_and_its_loser_changes_nothing(receiver: Receiver) -> None:
    endpoint_at(receiver)
    event()
    lost = WebhookDelivery.objects.claim_next()
    assert lost
    WebhookDelivery.objects.update(claim_expires_at=timezone.now())
    deliver_webhooks()
    assert delivery_states() == [Status.DELIVERED]
    assert not WebhookDelivery.objects.held_by(lost).exists()


def test_a_slow_endpoint_leaves_room_for_others(receiver: Receiver) -> None:
    slow = endpoint_at(receiver, events=["customer.created"])
    for _ in range(AT_ONCE_PER_ENDPOINT + 1):
        event()
    claims = [WebhookDelivery.objects.claim_next() for _ in range(AT_ONCE_PER_ENDPOINT + 1)]
    assert [bool(claim) for claim in claims] == [True] * AT_ONCE_PER_ENDPOINT + [False]
    WebhookEndpoint.objects.filter(pk=slow.pk).update(events=[])
    endpoint_at(receiver)
    event()
    deliver_webhooks()
    assert len(receiver.received) == 1


def test_two_claims_at_the_same_moment_keep_the_limit() -> None:
    """The first claim has taken the last place but has not committed when the second one looks."""
    WebhookEndpointFactory()
    for _ in range(AT_ONCE_PER_ENDPOINT + 1):
        event()
    for _ in range(AT_ONCE_PER_ENDPOINT - 1):
        assert WebhookDelivery.objects.claim_next()
    taken, go_on = threading.Event(), threading.Event()

    def claim_slowly() -> object:
        with transaction.atomic():
            claim = WebhookDelivery.objects.claim_next()
            taken.set()
            go_on.wait(DEADLINE)
            return claim

    first = in_thread(claim_slowly)
    assert taken.wait(DEADLINE)
    second = in_thread(WebhookDelivery.objects.claim_next)
    if not on_sqlite():  # on SQLite, the second claim waits to begin its transaction
        wait_until(lambda: not second.is_alive() or somebody_waits_for_a_lock(), "the second has looked")
    go_on.set()
    assert first.result()
    assert second.result() is None
    assert delivery_states().count(Status.DELIVERING) == AT_ONCE_PER_ENDPOINT


def test_many_claims_at_once_keep_the_limit() -> None:
    WebhookEndpointFactory()
    for _ in range(10):
        event()
    for _ in range(AT_ONCE_PER_ENDPOINT):
        at_once(WebhookDelivery.objects.claim_next, times=8)
    assert delivery_states().count(Status.DELIVERING) == AT_ONCE_PER_ENDPOINT


def test_a_failing_endpoint_gets_one_at_a_time(receiver: Receiver) -> None:
    endpoint_at(receiver, failing_since=timezone.now())
    event(), event()
    assert WebhookDelivery.objects.claim_next()
    assert WebhookDelivery.objects.claim_next() is None


def test_endpoints_take_turns() -> None:
    """The older deliveries of one endpoint do not all go before those of another."""
    busy = WebhookEndpointFactory(events=["customer.created"])
    event(), event()
    other = WebhookEndpointFactory(events=["customer.created"])
    event()
    claims = [WebhookDelivery.objects.claim_next() for _ in range(4)]
    served = [WebhookDelivery.objects.get(pk=claim.pk).endpoint for claim in claims if claim]
    assert served == [busy, other, busy, busy]


def test_one_change_is_told_before_many(receiver: Receiver, queue: Queue) -> None:
    """A system that is receiving an import of customers hears of a consent at once."""
    endpoint = endpoint_at(receiver)
    ada = CustomerFactory(consenting=False)
    queue.work()
    rows = [{"source": "import", "external_id": str(number), "name": "N"} for number in range(20)]
    upsert_customers(endpoint.owner, rows)
    record_consent(ada, granted=True, obtained_by=Consent.ObtainedBy.WRITTEN, recorded_by=endpoint.owner)
    while queue.messages():  # a slow machine needs more than one time slice
        queue.work()
    assert receiver.types == ["customer.created", "consent.changed", *["customer.created"] * 20]


def test_a_few_messages_stand_for_all_that_waits(receiver: Receiver, queue: Queue) -> None:
    endpoint_at(receiver)
    for _ in range(3 * ENOUGH):
        event()
        sweep()
    assert [each.task for each in queue.messages()] == ["crm.webhooks.tasks.deliver_webhooks"] * ENOUGH
    while queue.messages():
        queue.work()
    assert len(receiver.received) == 3 * ENOUGH


def test_who_delivers_sends_for_another_and_at_the_end_of_its_time_for_the_rest(
    receiver: Receiver, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "SLICE", 0.0)
    endpoint_at(receiver)
    for _ in range(5):
        event()
    queue.take()  # as if the broker had lost them
    deliver_webhooks()
    assert (len(receiver.received), len(queue.messages())) == (1, 2)
    while queue.messages():
        queue.work()
    assert delivery_states() == [Status.DELIVERED] * 5
    assert len(receiver.received) == 5


def test_nobody_sends_messages_for_an_endpoint_that_has_enough_to_do(queue: Queue) -> None:
    WebhookEndpointFactory()
    for _ in range(AT_ONCE_PER_ENDPOINT + 1):
        event()
    queue.take()
    for _ in range(AT_ONCE_PER_ENDPOINT):
        assert WebhookDelivery.objects.claim_next()
    sweep()
    assert queue.messages() == []


def test_an_endpoint_deleted_meanwhile_does_no_harm(receiver: Receiver) -> None:
    endpoint = endpoint_at(receiver)
    event()

    def delete_and_answer(handler: Handler) -> None:
        endpoint.delete()
        handler.answer(500)

    receiver.behaviour = delete_and_answer
    deliver_webhooks()
    assert not WebhookDelivery.objects.exists()
    assert WebhookMessage.objects.count() == 1


def test_events_are_written_while_a_delivery_is_stored(
    receiver: Receiver, queue: Queue, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setattr(tasks, "SLICE", 60.0)  # even a slow machine delivers all within one slice
    settings.WEBHOOK_RETRY_DELAYS = [3600]  # no delivery is attempted twice
    endpoint = endpoint_at(receiver)
    receiver.behaviour = answering(500)
    for _ in range(10):
        event()
    thread = in_thread(deliver_webhooks)
    for _ in range(10):
        event()
    thread.result()
    deliver_webhooks()
    assert len(receiver.received) == 20
    endpoint.refresh_from_db()
    assert endpoint.consecutive_failures == 20
