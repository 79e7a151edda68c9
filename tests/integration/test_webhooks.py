"""Test webhooks with a real worker: nothing is lost, whatever is killed or down meanwhile."""

import threading

import pytest

from crm.models import WebhookDelivery
from crm.tasks import deliver_webhooks
from crm.webhooks.models.deliveries import AT_ONCE_PER_ENDPOINT
from tests.support.deployment import Deployment, Program
from tests.support.factories import CustomerFactory
from tests.support.receiver import Handler, Receiver, answering
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until
from tests.support.webhooks import delivery_states, endpoint_at

Status = WebhookDelivery.Status
on_redis = pytest.mark.parametrize("broker", ["redis"], indirect=True)


@pytest.fixture
def impatient(deployment: Deployment) -> Deployment:
    deployment.environment |= {
        "WEBHOOK_ALLOWED_HOSTS": "127.0.0.1",
        "WEBHOOK_RETRY_DELAYS": "1,1,1,1,1,1,1,1,1",
        "WEBHOOK_READ_TIMEOUT": "1",
        "WEBHOOK_LEASE": "4",
    }
    return deployment


def start(deployment: Deployment) -> Program:
    """Start a webhook worker as `make run` does. It has no models, to prove that it needs none."""
    options = ("--queues", "webhooks,webhooks-sweep,jobs", "--pool", "threads", "--concurrency", "8")
    deployment.beat()
    return deployment.start(
        "webhooks", "celery", "-A", "jobs", "worker", *options, "--loglevel", "INFO",
        MODELS_DIR="/nowhere",
    )  # fmt: skip


def happen(times: int) -> None:
    for _ in range(times):
        CustomerFactory(consenting=False)


def wait_until_delivered(count: int) -> None:
    wait_until(lambda: delivery_states() == [Status.DELIVERED] * count, "all is delivered")


def test_events_arrive_and_verify(impatient: Deployment, receiver: Receiver) -> None:
    endpoint = endpoint_at(receiver)
    worker = start(impatient)
    happen(10)
    wait_until_delivered(10)
    assert [each.verify(endpoint.secret)["type"] for each in receiver.received] == ["customer.created"] * 10
    assert "Traceback" not in worker.log.read_text()


@on_redis
def test_a_message_sent_five_times_is_attempted_once(impatient: Deployment, receiver: Receiver) -> None:
    endpoint_at(receiver)
    happen(2)
    for _ in range(8):
        deliver_webhooks.delay()
    worker = start(impatient)
    wait_until(lambda: worker.log.read_text().count("succeeded") >= 10, "every message is done")
    wait_until_delivered(2)
    assert len(receiver.received) == 2


def test_a_worker_killed_in_the_middle_delivers_again(impatient: Deployment, receiver: Receiver) -> None:
    endpoint_at(receiver)
    reached, killed = threading.Event(), threading.Event()

    def stand_still(handler: Handler) -> None:
        reached.set()
        killed.wait(60)

    receiver.behaviour = stand_still
    impatient.environment |= {"WEBHOOK_READ_TIMEOUT": "1"}
    worker = start(impatient)
    happen(1)
    assert reached.wait(60)
    worker.kill()
    receiver.behaviour = answering(200)
    killed.set()
    start(impatient)
    wait_until_delivered(1)
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]


@on_redis
def test_a_receiver_that_was_down_gets_everything(impatient: Deployment, receiver: Receiver) -> None:
    endpoint_at(receiver)
    port = receiver.server_port
    receiver.stop()
    start(impatient)
    happen(3)
    wait_until(lambda: WebhookDelivery.objects.filter(attempts__gt=0).count() == 3, "all were attempted")
    recovered = Receiver(port)
    wait_until_delivered(3)
    assert sorted({each.headers["webhook-id"] for each in recovered.received}) == sorted(
        str(each.message.uuid) for each in WebhookDelivery.objects.select_related("message")
    )
    recovered.stop()


@on_redis
def test_a_broker_that_was_down_loses_nothing(
    impatient: Deployment, receiver: Receiver, redis_server: RedisServer
) -> None:
    endpoint_at(receiver)
    start(impatient)
    happen(1)
    wait_until_delivered(1)
    redis_server.stop()
    happen(2)
    redis_server.start()
    wait_until_delivered(3)


@on_redis
def test_a_slow_receiver_delays_no_photo_worker_and_no_other_receiver(
    impatient: Deployment, receiver: Receiver
) -> None:
    silent = Receiver()
    silent.behaviour = lambda handler: handler.server.drop.wait(60)
    endpoint_at(silent)
    start(impatient)
    happen(8)
    endpoint_at(receiver)
    happen(1)
    wait_until(lambda: len(receiver.received) == 1, "the other receiver has its message")
    assert Status.DELIVERED not in delivery_states()[:8]
    silent.stop()


@on_redis
def test_a_receiver_that_thinks_long_before_it_accepts_delays_no_other(
    impatient: Deployment, receiver: Receiver
) -> None:
    """A slow but healthy receiver gets its full number of requests at a time, and the worker can still send others."""
    thinking, thought = Receiver(), threading.Event()

    def think(handler: Handler) -> None:
        thought.wait(60)
        handler.answer(200)

    thinking.behaviour = think
    impatient.environment |= {"WEBHOOK_READ_TIMEOUT": "60", "WEBHOOK_LEASE": "200"}
    endpoint_at(thinking)
    start(impatient)
    happen(20)
    wait_until(lambda: len(thinking.received) == AT_ONCE_PER_ENDPOINT, "it has as many as it may")
    endpoint_at(receiver)
    happen(1)
    wait_until(lambda: len(receiver.received) == 1, "the other receiver has its message")
    assert len(thinking.received) == AT_ONCE_PER_ENDPOINT
    thought.set()
    wait_until_delivered(22)
    thinking.stop()
