"""Check queries for the sentiment of customers, and represent the answers."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from crm.api.fields import UtcDateTimeField
from crm.api.serializers import StrictSerializer
from emotions.sentiment.history import CustomerSentiment, History, Interval, Tally
from ml.labels import EMOTIONS

USUAL_PERIOD = timedelta(days=365)
NO_PLACES = {"Factory", "localtime"}  # not every database knows these names


@cache
def known_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones() - NO_PLACES)


class PeriodSerializer(serializers.Serializer[Any]):
    to = UtcDateTimeField(required=False, help_text="Not included; now, unless given.")

    def get_fields(self) -> dict[str, Any]:
        help_text = f"Included; {USUAL_PERIOD.days} days before `to`, unless given."
        return {"from": UtcDateTimeField(required=False, help_text=help_text)} | super().get_fields()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        end: datetime = attrs.setdefault("to", timezone.now().astimezone(UTC))
        try:
            attrs.setdefault("from", end - USUAL_PERIOD)
        except OverflowError as error:
            raise ValidationError({"to": ["This time is out of range."]}, "period_refused") from error
        return attrs


class HistoryQuerySerializer(PeriodSerializer):
    interval = serializers.ChoiceField(
        [each.value for each in Interval], default=Interval.WEEK.value, help_text="Weeks begin on Monday."
    )
    zone = serializers.CharField(
        max_length=100,
        required=False,
        help_text="IANA name of the time zone in which days, weeks and months begin at midnight, such as Europe/Berlin;"
        " the installation's own, unless given.",
    )

    def validate_zone(self, value: str) -> str:
        if value not in known_zones():
            raise ValidationError("Give the name of a time zone, such as Europe/Berlin.", "unknown_zone")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {"zone": settings.TIME_ZONE} | super().validate(attrs)


class CountsSerializer(StrictSerializer):
    """Count the answers that name each emotion."""

    angry = serializers.IntegerField()
    disgust = serializers.IntegerField()
    fear = serializers.IntegerField()
    happy = serializers.IntegerField()
    sad = serializers.IntegerField()
    surprise = serializers.IntegerField()
    neutral = serializers.IntegerField()


class TallySerializer(StrictSerializer):
    counted = serializers.IntegerField(help_text="Answers that count: one for each photo of the customer's face.")
    uncertain = serializers.IntegerField(help_text="Uncertain answers, which count for nothing.")
    corrected = serializers.IntegerField(help_text="Of those that count: what a person said.")
    mean_valence = serializers.FloatField(
        allow_null=True, min_value=-1, max_value=1, help_text="From unpleasant to pleasant; null: nothing counts."
    )
    emotions = CountsSerializer(help_text="How many of those that count name each emotion.")


class IntervalSerializer(TallySerializer):
    date = serializers.DateField(help_text="The first day of the interval, in the time zone.")
    start = UtcDateTimeField(help_text="When it begins.")
    trend_valence = serializers.FloatField(
        allow_null=True,
        help_text="Where the trend's line lies at `start`, which may be a little beyond -1..1. Null without a trend.",
    )


COUNTS = {emotion.value: 0 for emotion in EMOTIONS} | {"happy": 7, "neutral": 3}
TALLY = {"counted": 10, "uncertain": 2, "corrected": 1, "mean_valence": 0.52, "emotions": COUNTS}
HISTORY = {
    "from": "2026-11-01T00:00:00Z",
    "to": "2026-12-01T00:00:00Z",
    "interval": "month",
    "zone": "Europe/Berlin",
    "trend": None,
    "total": TALLY,
    "intervals": [{**TALLY, "date": "2026-11-01", "start": "2026-10-31T23:00:00Z", "trend_valence": None}],
}


@extend_schema_serializer(examples=[OpenApiExample("A month", HISTORY, response_only=True)])
class HistorySerializer(StrictSerializer):
    to = UtcDateTimeField()
    interval = serializers.ChoiceField([each.value for each in Interval])
    zone = serializers.CharField()
    trend = serializers.FloatField(
        allow_null=True,
        help_text="How much the mean valence rises in 30 days: the slope of the least-squares line through the"
        " intervals' means. Null when fewer than three intervals have one.",
    )
    total = TallySerializer()
    intervals = IntervalSerializer(many=True, help_text="Those that hold an answer, oldest first.")

    def get_fields(self) -> dict[str, Any]:
        return {"from": UtcDateTimeField()} | super().get_fields()


class CustomerSentimentSerializer(TallySerializer):
    customer = serializers.UUIDField()
    name = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field's own attribute
    external_id = serializers.CharField()
    first_captured_at = UtcDateTimeField()
    last_captured_at = UtcDateTimeField()


class CustomersSentimentSerializer(StrictSerializer):
    to = UtcDateTimeField()
    results = CustomerSentimentSerializer(many=True, help_text="A row for each customer with an answer.")

    def get_fields(self) -> dict[str, Any]:
        return {"from": UtcDateTimeField()} | super().get_fields()


def in_utc(when: datetime) -> str:
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def tally_shown(tally: Tally) -> dict[str, Any]:
    return {
        "counted": tally.counted,
        "uncertain": tally.uncertain,
        "corrected": tally.corrected,
        "mean_valence": tally.mean_valence,
        "emotions": tally.emotions,
    }


def intervals_shown(history: History) -> Iterator[dict[str, Any]]:
    trend = history.trend
    for each in history.intervals:
        on_line = trend.at(each.start) if trend else None
        about = {"date": each.start.date(), "start": in_utc(each.start), "trend_valence": on_line}
        yield about | tally_shown(each.tally)


def customers_shown(rows: Iterable[CustomerSentiment]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield {
            "customer": row.public_id,
            "name": row.name,
            "source": row.source,
            "external_id": row.external_id,
            **tally_shown(row.tally),
            "first_captured_at": in_utc(row.first),
            "last_captured_at": in_utc(row.last),
        }


COUNTED = ("counted", "uncertain", "corrected", "mean_valence", *(emotion.value for emotion in EMOTIONS))
INTERVAL_COLUMNS = ("date", "start", *COUNTED, "trend_valence")
CUSTOMER_COLUMNS = ("customer", "name", "source", "external_id", *COUNTED, "first_captured_at", "last_captured_at")


def cells(columns: Iterable[str], shown: Iterable[dict[str, Any]]) -> Iterator[list[object]]:
    """Yield each object as one flat row with these columns."""
    for each in shown:
        flat = each | each["emotions"]
        yield [flat[column] for column in columns]
