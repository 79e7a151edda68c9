"""Check that the causes named in the documentation are those of the code."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from crm.models import WebhookMessage
from emotions.corrections.services import correct
from emotions.models import EmotionCorrection, SentimentPoint, Snapshot
from emotions.outcomes.causes import Cause
from emotions.outcomes.services import outcome_changed
from ml.labels import Emotion
from tests.support.factories import EmotionCorrectionFactory, SnapshotFactory, UserFactory
from tests.support.webhooks import WebhookEndpointFactory

ROOT = Path(__file__).parents[3]
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+?) \|(?: ([^|]+?) \|)?$", re.MULTILINE)
LONG_AGO = timezone.now() - timedelta(days=1)


def table_of_causes(document: str) -> list[tuple[str, str, str]]:
    """Return the rows of the table whose header begins with "cause"."""
    text = (ROOT / "docs" / document).read_text()
    return ROW.findall(text.partition("| cause | what happened |")[2].partition("\n\n")[0])


@pytest.mark.parametrize("document", ["webhooks.md", "api.md"])
def test_the_documentation_names_the_same_causes(document: str) -> None:
    assert [row[:2] for row in table_of_causes(document)] == list(Cause.choices)


@pytest.mark.django_db
@pytest.mark.parametrize(("cause", "events"), [(row[0], row[2]) for row in table_of_causes("webhooks.md")])
def test_each_cause_emits_the_event_that_is_documented(cause: str, events: str) -> None:
    snapshot = SnapshotFactory(analysed=True)
    correction = EmotionCorrectionFactory(record=snapshot.records.get()) if cause == Cause.CORRECTION else None
    WebhookEndpointFactory()
    outcome_changed([snapshot.pk], Cause(cause), correction=correction)
    emitted = WebhookMessage.objects.values_list("type", flat=True)
    assert all(f"`{event}`" in events for event in emitted)
    assert bool(emitted) == (not events.startswith("none"))


@pytest.mark.django_db
@pytest.mark.parametrize("cause", [Cause.SUBJECT_CHOSEN, Cause.CORRECTION])
def test_what_people_say_moves_the_time_of_the_change(cause: Cause) -> None:
    snapshot = SnapshotFactory(analysed=True)
    Snapshot.objects.update(changed_at=LONG_AGO)
    outcome_changed([snapshot.pk], cause)
    assert Snapshot.objects.get().changed_at > LONG_AGO


@pytest.mark.django_db
def test_one_correction_changes_sentiment_and_webhooks_together() -> None:
    record = SnapshotFactory(analysed=True).records.get()
    WebhookEndpointFactory()
    correct(record, Emotion.SAD, UserFactory())
    assert SentimentPoint.objects.get().emotion == Emotion.SAD
    [message] = WebhookMessage.objects.all()
    assert message.payload["data"]["correction"]["id"] == str(EmotionCorrection.objects.get().uuid)
