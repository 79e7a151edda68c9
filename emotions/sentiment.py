"""Reads: how pleasant a customer appeared to feel over time, and where each point stands in the chart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from crm.models import Customer
from emotions.models import EmotionRecord
from emotions.timeline import ADJECTIVES
from ml.labels import Emotion

NEWEST_SHOWN = 100
UNCERTAIN_BELOW = 0.5  # confidence
# Shares of the chart's width and height in percent that stay free, so that no dot is cut off.
MARGIN_X, MARGIN_Y = 3.0, 8.0


@dataclass(frozen=True, slots=True)
class Point:
    """One estimate: the face that is the customer in one snapshot."""

    captured_at: datetime
    valence: float
    confidence: float
    emotion: Emotion
    x: float  # percent of the chart's width
    y: float  # percent of its height, from the top

    @property
    def appears(self) -> str:
        return ADJECTIVES[self.emotion]

    @property
    def percent(self) -> int:
        return round(self.confidence * 100)

    @property
    def uncertain(self) -> bool:
        return self.confidence < UNCERTAIN_BELOW


@dataclass(frozen=True, slots=True)
class Chart:
    points: tuple[Point, ...]
    truncated: bool  # there are older ones

    @property
    def lines(self) -> list[tuple[Point, Point]]:
        return list(zip(self.points, self.points[1:], strict=False))

    @property
    def first(self) -> Point:
        return self.points[0]

    @property
    def last(self) -> Point:
        return self.points[-1]

    @property
    def at_one_time(self) -> bool:
        return self.first.captured_at == self.last.captured_at

    @property
    def date_format(self) -> str:
        """For the ends of the time axis: with the time of day when all points lie close together."""
        return "j M Y" if self.last.captured_at - self.first.captured_at > timedelta(days=2) else "j M Y, H:i"

    @property
    def newest_first(self) -> tuple[Point, ...]:
        return self.points[::-1]

    @property
    def mean(self) -> float:
        return sum(point.valence for point in self.points) / len(self.points)

    @property
    def summary(self) -> str:
        """What the chart shows, for people who cannot see it."""
        count = len(self.points)
        if not count:
            return "There is no estimate yet."
        when = timezone.localtime(self.last.captured_at)
        newest = f"The newest, of {when:%d %B %Y}: appears {self.last.appears}, valence {self.last.valence:+.2f}."
        if count == 1:
            return f"One estimate. {newest}"
        lowest, highest = min(p.valence for p in self.points), max(p.valence for p in self.points)
        return (
            f"{count} estimates between {lowest:+.2f} and {highest:+.2f}, on average {self.mean:+.2f},"
            f" where -1 is unpleasant and +1 is pleasant. {newest}"
        )


def sentiment(customer: Customer) -> Chart:
    """The customer's newest estimates, oldest first."""
    newest = (
        EmotionRecord.objects.current()
        .of_subjects()
        .filter(snapshot__interaction__customer=customer)
        .order_by("-snapshot__captured_at", "-pk")
        .values_list("snapshot__captured_at", "valence", "confidence", "dominant_emotion")[: NEWEST_SHOWN + 1]
    )
    rows = list(newest)
    shown = rows[:NEWEST_SHOWN][::-1]
    if not shown:
        return Chart((), truncated=False)
    first, last = shown[0][0], shown[-1][0]
    points = tuple(
        Point(when, valence, confidence, Emotion(emotion), _x(when, first, last), _y(valence))
        for when, valence, confidence, emotion in shown
    )
    return Chart(points, truncated=len(rows) > NEWEST_SHOWN)


def _x(when: datetime, first: datetime, last: datetime) -> float:
    share = (when - first) / (last - first) if last > first else 0.5
    return round(MARGIN_X + share * (100 - 2 * MARGIN_X), 2)


def _y(valence: float) -> float:
    return round(MARGIN_Y + (1 - valence) / 2 * (100 - 2 * MARGIN_Y), 2)
