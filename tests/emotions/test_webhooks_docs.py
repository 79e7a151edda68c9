"""Check that docs/webhooks.md agrees with the code."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crm.consents.services import record_consent
from crm.models import Consent, WebhookMessage
from crm.webhooks.event_types import event_types
from crm.webhooks.services import send_test
from emotions.corrections.services import correct
from emotions.outcomes.causes import Cause
from emotions.outcomes.services import outcome_changed
from ml.labels import Emotion
from tests.support.broker import Queue
from tests.support.factories import CustomerFactory, EmotionRecordFactory, SnapshotFactory, UserFactory
from tests.support.waiting import wait_until
from tests.support.webhooks import WebhookEndpointFactory, delivery_states

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def shape(value: Any) -> Any:
    return {key: shape(each) for key, each in value.items()} if isinstance(value, dict) else type(value)


def test_every_event_is_described() -> None:
    assert all(f"`{event_type}`" in TEXT for event_type in event_types())


def test_the_examples_look_like_real_messages() -> None:
    WebhookEndpointFactory()
    customer = CustomerFactory(consenting=False)
    record_consent(customer, granted=True, obtained_by=Consent.ObtainedBy.WRITTEN, recorded_by=UserFactory())
    outcome_changed([SnapshotFactory(analysed=True).pk], Cause.ANALYSIS)
    correct(EmotionRecordFactory(), Emotion.SAD, UserFactory())
    CustomerFactory().delete()  # a different customer, because deleting one deletes its messages
    real = {each.type: each.payload for each in WebhookMessage.objects.order_by("-pk")}
    examples = [json.loads(block) for block in blocks("json")]
    assert len(examples) == 5
    for example in examples:
        assert shape(example) == shape(real[example["type"]])


def test_the_receiver_receives(queue: Queue, tmp_path: Path, settings: Any, free_port: int) -> None:
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1"]
    endpoint = WebhookEndpointFactory(url=f"http://127.0.0.1:{free_port}/")
    [code] = blocks("python")
    environment = {"WEBHOOK_SECRET": endpoint.secret, "PORT": str(free_port)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: _answers(free_port), "the receiver listens")
            send_test(endpoint)
            queue.work()
            assert process.stdout
            assert process.stdout.readline().startswith("webhook.test {")
        finally:
            process.terminate()
    assert delivery_states() == ["delivered"]


def _answers(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0
