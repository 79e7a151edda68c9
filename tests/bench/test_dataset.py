"""Test the rows that the benchmarks run on. They are copied into PostgreSQL, so these tests need one."""

from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db.models import Max, Min

from bench import dataset
from crm.models import Consent, Customer, Interaction, User
from emotions.corrections.services import choose_subject
from emotions.models import EmotionCorrection, EmotionRecord, SentimentPoint, Snapshot
from tests.support.databases import on_sqlite
from tests.support.factories import CustomerFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.skipif(on_sqlite(), reason="needs PostgreSQL")]


def fill(*arguments: str) -> int:
    sizes = ("--customers", "60", "--interactions", "300", "--records", "600", "--until", "2026-11-01")
    return dataset.fill(dataset.build_parser().parse_args([*sizes, *arguments]))


def test_as_many_rows_as_asked_for_that_the_application_understands(media: Path) -> None:
    assert fill() == 0
    assert (Customer.objects.count(), Interaction.objects.count(), EmotionRecord.objects.count()) == (60, 300, 600)
    assert Consent.objects.standing(Consent.Scope.EMOTION_ANALYSIS).count() == 60
    assert SentimentPoint.objects.count() > 250
    assert EmotionCorrection.objects.exists()
    call_command("rebuild_sentiment", "--check")  # raises an error when something differs
    record = EmotionRecord.objects.select_related("snapshot").latest("pk")
    assert default_storage.exists(str(Snapshot.objects.exclude(file="").latest("pk").file))
    choose_subject(record)
    assert CustomerFactory().pk == 61  # the copied rows have moved the sequence on


def test_the_rows_spread_over_three_years_and_their_owners(media: Path) -> None:
    fill()
    taken = Snapshot.objects.aggregate(first=Min("captured_at"), last=Max("captured_at"))
    assert (taken["first"].year, taken["last"].year) == (2023, 2026)
    seen = Customer.objects.visible_to(User.objects.get(username="bench01")).count()
    assert 0 < seen < Customer.objects.visible_to(User.objects.get(username="bench-all")).count() == 60


def test_a_database_with_customers_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    CustomerFactory()
    assert fill() == 1
    assert Customer.objects.count() == 1
    assert "holds customers already" in capsys.readouterr().err
