"""Test answers below the confidence that the model's card requires: they name no emotion."""

import pytest
from django.urls import reverse

from crm.models import Customer
from emotions.answers.queries import answer, model_answer
from emotions.models import EmotionRecord
from emotions.sentiment.queries import sentiment
from ml.labels import VALENCE, Emotion
from tests.support.factories import CustomerFactory, EmotionCorrectionFactory, EmotionRecordFactory, ModelVersionFactory
from tests.support.workspace import browser_of, text_of

pytestmark = pytest.mark.django_db


def record(customer: Customer | None = None, *, threshold: float = 0.4, **scores: float) -> EmotionRecord:
    """Create a record of a model with this threshold. Its scores are sad 34% and neutral 31% by default."""
    version = ModelVersionFactory(version=f"t{threshold}", uncertain_below=threshold)
    given = {"score_sad": 0.34, "score_neutral": 0.31, "score_happy": 0.15} | scores
    return EmotionRecordFactory(
        snapshot__interaction__customer=customer or CustomerFactory(),
        snapshot__model_version=version,
        dominant_emotion="sad",
        **given,
    )


def page_of(customer: Customer) -> str:
    return text_of(browser_of().get(reverse("emotions:timeline", args=[customer.uuid])).content)


@pytest.mark.parametrize(("threshold", "emotion"), [(0.33, "sad"), (0.34, "sad"), (0.35, None)])
def test_the_models_threshold_decides(threshold: float, emotion: str | None) -> None:
    assert model_answer(record(threshold=threshold)).emotion == emotion


def test_the_card_names_the_most_likely_and_never_one() -> None:
    customer = CustomerFactory()
    record(customer)
    page = page_of(customer)
    assert "Uncertain Perhaps sad 34% or neutral 31%" in page
    assert "ppears sad" not in page


def test_a_person_is_not_uncertain() -> None:
    corrected = EmotionCorrectionFactory(record=record(), emotion="fear").record
    stands = answer(corrected)
    assert (stands.text, stands.valence, stands.by_person) == ("appears afraid", VALENCE[Emotion.FEAR], True)
    assert model_answer(corrected).uncertain


def test_the_chart_shows_uncertain_answers_lighter_and_leaves_them_out() -> None:
    customer = CustomerFactory()
    certain = EmotionRecordFactory(snapshot__interaction__customer=customer)
    record(customer)
    chart = sentiment(customer)
    assert (len(chart.points), chart.counted[0].valence, chart.mean) == (2, certain.valence, certain.valence)
    assert chart.lines == []
    assert "One uncertain estimate is left out of the line and the average." in chart.summary
    page = browser_of().get(reverse("emotions:sentiment", args=[customer.uuid])).content
    assert page.count(b"rp-chart__dot--uncertain") == 1
    assert "Lighter dots" in text_of(page)


def test_a_chart_of_uncertain_answers_has_no_average() -> None:
    customer = CustomerFactory()
    record(customer)
    assert sentiment(customer).mean is None
    assert "uncertain, perhaps sad 34% or neutral 31%" in sentiment(customer).summary


def test_the_card_is_announced_as_uncertain() -> None:
    snapshot = record().snapshot
    page = browser_of().get(reverse("emotions:snapshot", args=[snapshot.uuid])).content
    assert "The estimate is uncertain, perhaps sad 34% or neutral 31%." in text_of(page)
