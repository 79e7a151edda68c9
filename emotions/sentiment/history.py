"""Read how pleasant customers appeared to feel: by day, week or month, and for each customer.

The answers come from emotions.answers.queries. Uncertain answers are counted separately, and enter neither the means
nor the distribution. The database adds up, so memory here does not grow with the number of answers.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from statistics import linear_regression
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import Trunc

from crm.models import Customer
from emotions.sentiment.models import SentimentPoint
from ml.labels import EMOTIONS, Emotion

MOST_INTERVALS = 3_700  # a little more than ten years of days
TREND_FROM = 3  # intervals with a mean that a trend needs
TREND_UNIT = timedelta(days=30)
CUSTOMERS_AT_ONCE = 2_000  # rows held in memory at once


class PeriodRefused(ValueError):
    """Refuse to show a period. The message says why and what to do."""


class Interval(StrEnum):
    DAY = "day"
    WEEK = "week"  # begins on Monday, as in ISO 8601
    MONTH = "month"


LENGTH = {Interval.DAY: timedelta(days=1), Interval.WEEK: timedelta(days=7), Interval.MONTH: timedelta(days=28)}


@dataclass(slots=True)
class Tally:
    """Counts and sums of some answers. All but `uncertain` leave uncertain answers out."""

    emotions: dict[Emotion, int] = field(default_factory=lambda: dict.fromkeys(EMOTIONS, 0))
    uncertain: int = 0
    corrected: int = 0  # answers that a person gave
    valence_sum: float = 0.0

    @property
    def counted(self) -> int:
        return sum(self.emotions.values())

    @property
    def mean_valence(self) -> float | None:
        """Return the mean, -1..1; None if every answer is uncertain."""
        return self.valence_sum / self.counted if self.counted else None

    def add(self, emotion: str, by_person: bool, count: int, valence_sum: float) -> None:
        """Add `count` answers with the same emotion; an empty emotion means that they are uncertain."""
        if not emotion:
            self.uncertain += count
            return
        self.emotions[Emotion(emotion)] += count
        self.corrected += count * by_person
        self.valence_sum += valence_sum


@dataclass(frozen=True, slots=True)
class IntervalSentiment:
    # In the requested time zone. The first interval may start before the period does.
    start: datetime
    tally: Tally


@dataclass(frozen=True, slots=True)
class Trend:
    """The least-squares line (statistics.linear_regression) through the means of the intervals, placed at their starts.

    Every interval has the same weight. The line may leave -1..1.
    """

    since: datetime
    start: float  # valence at `since`
    slope: float  # change of valence in 30 days

    def at(self, moment: datetime) -> float:
        return self.start + self.slope * ((moment - self.since) / TREND_UNIT)


@dataclass(frozen=True, slots=True)
class History:
    """The intervals with answers, oldest first. Intervals without any are left out."""

    intervals: tuple[IntervalSentiment, ...]
    total: Tally

    @property
    def trend(self) -> Trend | None:
        """Return the trend; None if fewer than three intervals have a mean."""
        means = [(each.start, each.tally.mean_valence) for each in self.intervals]
        points = [(start, mean) for start, mean in means if mean is not None]
        if len(points) < TREND_FROM:
            return None
        since = points[0][0]
        line = linear_regression([(start - since) / TREND_UNIT for start, _ in points], [mean for _, mean in points])
        return Trend(since, line.intercept, line.slope)


def history(
    points: QuerySet[SentimentPoint],
    start: datetime,
    end: datetime,
    interval: Interval,
    zone: tzinfo | None = None,
) -> History:
    """Return the sentiment of these points from `start` until before `end`, with one query.

    Both times must have a time zone. Days, weeks and months begin at midnight in `zone`, or in settings.TIME_ZONE
    if that is None. Raises PeriodRefused.
    """
    zone = zone or zoneinfo.ZoneInfo(settings.TIME_ZONE)
    check_period(start, end, interval)
    intervals = tuple(_intervals(_sums(points.filter(_within("", start, end)), interval, zone), zone))
    return History(intervals, _total(each.tally for each in intervals))


def check_period(start: datetime, end: datetime, interval: Interval | None = None) -> None:
    """Raise PeriodRefused for a period that is empty, leaves the calendar, or has too many of these intervals."""
    try:
        length = end.astimezone(UTC) - start.astimezone(UTC)
    except OverflowError as error:
        raise PeriodRefused("The period lies outside the calendar. Choose years from 2 to 9998.") from error
    if length <= timedelta(0):
        raise PeriodRefused("The period is empty: its end must be after its start.")
    if interval and length > MOST_INTERVALS * LENGTH[interval]:
        years = round(MOST_INTERVALS * LENGTH[interval] / timedelta(days=365.25))
        raise PeriodRefused(f"The period is longer than {years} years. Shorten it, or choose longer intervals.")


def _within(points: str, start: datetime, end: datetime) -> Q:
    return Q(**{f"{points}captured_at__gte": start, f"{points}captured_at__lt": end})


def _sums(points: QuerySet[SentimentPoint], interval: Interval, zone: tzinfo) -> Iterable[Mapping[str, Any]]:
    """Return a row for each interval, emotion and kind of source (person or model), ordered by start.

    The few rows are sorted here. PostgreSQL cannot know how few intervals there are, so it would sort all answers
    before it adds them up.
    """
    start = Trunc("captured_at", interval.value, tzinfo=zone)
    alike = points.order_by().values("emotion", "by_person", start=start)
    return sorted(alike.annotate(count=Count("*"), valence_sum=Sum("valence")), key=itemgetter("start"))


def _intervals(rows: Iterable[Mapping[str, Any]], zone: tzinfo) -> Iterator[IntervalSentiment]:
    for start, alike in groupby(rows, lambda row: row["start"]):
        tally = Tally()
        for row in alike:
            tally.add(row["emotion"], row["by_person"], row["count"], row["valence_sum"])
        # The day begins an hour later if the clocks are put forward at midnight.
        yield IntervalSentiment(start.astimezone(UTC).astimezone(zone), tally)


def _total(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.uncertain += tally.uncertain
        total.corrected += tally.corrected
        total.valence_sum += tally.valence_sum
        for emotion, count in tally.emotions.items():
            total.emotions[emotion] += count
    return total


@dataclass(frozen=True, slots=True)
class CustomerSentiment:
    """How pleasant one customer appeared to feel in a period."""

    public_id: Any
    source: str
    external_id: str
    name: str
    tally: Tally
    # When the first and the last photo of the period were taken. Photos with an uncertain answer are included.
    first: datetime
    last: datetime


def by_customer(customers: QuerySet[Customer], start: datetime, end: datetime) -> Iterator[CustomerSentiment]:
    """Yield each of these customers who has an answer from `start` until before `end`, ordered by primary key.

    One query runs, and its rows are fetched as they are needed. Raises PeriodRefused at the call.
    """
    check_period(start, end)
    named = customers.order_by("pk").values("uuid", "source", "external_id", "name")
    rows = named.filter(_within("sentiment_points__", start, end)).annotate(**_AGGREGATES)
    return (_customer(row) for row in rows.iterator(CUSTOMERS_AT_ONCE))


# Count a column of the index, so that the table itself need not be read.
_COUNTED = ~Q(sentiment_points__emotion="")
_AGGREGATES: dict[str, Any] = {
    **{
        emotion.value: Count("sentiment_points__captured_at", filter=Q(sentiment_points__emotion=emotion.value))
        for emotion in EMOTIONS
    },
    "uncertain": Count("sentiment_points__captured_at", filter=Q(sentiment_points__emotion="")),
    "corrected": Count("sentiment_points__captured_at", filter=Q(sentiment_points__by_person=True)),
    "valence_sum": Sum("sentiment_points__valence", filter=_COUNTED, default=0.0),
    "first": Min("sentiment_points__captured_at"),
    "last": Max("sentiment_points__captured_at"),
}


def _customer(row: Mapping[str, Any]) -> CustomerSentiment:
    tally = Tally({e: row[e.value] for e in EMOTIONS}, row["uncertain"], row["corrected"], row["valence_sum"])
    return CustomerSentiment(
        row["uuid"], row["source"], row["external_id"], row["name"], tally, row["first"], row["last"]
    )
