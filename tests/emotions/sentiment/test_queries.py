from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from crm.models import Customer
from emotions.sentiment.queries import NEWEST_SHOWN, sentiment
from tests.support.factories import CustomerFactory, EmotionRecordFactory, ModelVersionFactory, SnapshotFactory
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db


def estimate(customer: Customer, days_ago: float = 0, **record: Any) -> None:
    EmotionRecordFactory(
        snapshot=SnapshotFactory(
            interaction__customer=customer,
            finished="analysed",
            model_version=ModelVersionFactory(),
            captured_at=timezone.now() - timedelta(days=days_ago),
        ),
        **record,
    )


def chart(customer: Customer) -> bytes:
    return browser_of().get(reverse("emotions:sentiment", args=[customer.uuid])).content


def test_without_a_point_there_is_a_sentence() -> None:
    customer = CustomerFactory()
    assert sentiment(customer).points == ()
    assert "There is no estimate yet" in text_of(chart(customer))


def test_one_point_stands_in_the_middle() -> None:
    customer = CustomerFactory()
    estimate(customer)
    (point,) = sentiment(customer).points
    assert point.x == 50
    assert b"<circle" in chart(customer)


def test_points_run_from_left_to_right_in_time() -> None:
    customer = CustomerFactory()
    for days, emotion in ((1, "happy"), (9, "sad"), (5, "neutral")):
        estimate(customer, days, dominant_emotion=emotion)
    points = sentiment(customer).points
    assert [point.answer.emotion for point in points] == ["sad", "neutral", "happy"]
    assert (points[0].x, points[-1].x) == (3, 97)
    assert points[1].x == pytest.approx(50, abs=0.5)


def test_pleasant_is_up() -> None:
    customer = CustomerFactory()
    estimate(customer, 2, dominant_emotion="happy")
    estimate(customer, 1, dominant_emotion="angry")
    happy, angry = sentiment(customer).points
    assert 0 < happy.y < 50 < angry.y < 100


def test_only_the_customers_face_counts_and_only_by_the_model_that_counts() -> None:
    customer = CustomerFactory()
    estimate(customer)
    snapshot = customer.interactions.get().snapshots.get()
    EmotionRecordFactory(snapshot=snapshot, face_index=1)
    EmotionRecordFactory(snapshot=snapshot, model_version=ModelVersionFactory(version="2"))
    estimate(CustomerFactory())
    assert len(sentiment(customer).points) == 1


def test_the_chart_is_told_in_words_and_numbers_too() -> None:
    customer = CustomerFactory()
    estimate(customer, 2, dominant_emotion="sad")
    estimate(customer, 1)
    page = chart(customer)
    assert b'role="img"' in page
    assert "2 estimates between -0.47 and +0.47" in text_of(page)
    assert " appears happy 70% 0.47" in text_of(page)


def test_of_many_points_the_newest_are_shown() -> None:
    customer = CustomerFactory()
    for number in range(NEWEST_SHOWN + 2):
        estimate(customer, number + 1)
    shown = sentiment(customer)
    assert len(shown.points) == NEWEST_SHOWN
    assert shown.truncated
    assert timezone.now() - shown.last.captured_at < timedelta(days=2)
    assert "the newest 100 estimates" in text_of(chart(customer))
