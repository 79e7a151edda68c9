"""Read how pleasant a customer appeared to feel over time, and place each point in the chart."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from crm.models import Customer
from emotions.answers.models import EmotionRecord
from emotions.answers.queries import Answer, answer
from emotions.model_versions.services import other_versions
from emotions.sentiment.models import SentimentPoint

NEWEST_SHOWN = 100
# Margins in percent of the chart's width and height, so that no dot is cut off.
MARGIN_X, MARGIN_Y = 3.0, 8.0


@dataclass(frozen=True, slots=True)
class Point:
    """The answer for the customer's face in one snapshot, and its place in the chart."""

    captured_at: datetime
    answer: Answer
    confidence: float  # the model's, 0..1
    x: float  # percent of the chart's width
    y: float  # percent of its height, from the top
    by_another_model: bool  # whether a model that is not active gave the answer; false for corrections

    @property
    def valence(self) -> float:
        return self.answer.valence

    @property
    def percent(self) -> int:
        return round(self.confidence * 100)


@dataclass(frozen=True, slots=True)
class Chart:
    """The points of one customer. Corrections count like the model's answers; uncertain answers only appear."""

    points: tuple[Point, ...]
    truncated: bool  # whether older points are left out

    @property
    def counted(self) -> tuple[Point, ...]:
        return tuple(point for point in self.points if not point.answer.uncertain)

    @property
    def uncertain(self) -> int:
        return len(self.points) - len(self.counted)

    @property
    def by_other_models(self) -> int:
        return sum(point.by_another_model for point in self.points)

    @property
    def said_by_people(self) -> int:
        return sum(point.answer.by_person for point in self.points)

    @property
    def lines(self) -> list[tuple[Point, Point]]:
        return list(zip(self.counted, self.counted[1:], strict=False))

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
        """Return the format for the ends of the time axis, with the time of day if all points lie close together."""
        return "j M Y" if self.last.captured_at - self.first.captured_at > timedelta(days=2) else "j M Y, H:i"

    @property
    def newest_first(self) -> tuple[Point, ...]:
        return self.points[::-1]

    @property
    def mean(self) -> float | None:
        """Return the mean valence, -1..1; None if every answer is uncertain."""
        counted = self.counted
        return sum(point.valence for point in counted) / len(counted) if counted else None

    @property
    def summary(self) -> str:
        """Return the chart in words, for people who cannot see it."""
        if not self.points:
            return "There is no estimate yet."
        when = timezone.localtime(self.last.captured_at)
        newest = f"The newest, of {when:%d %B %Y}: {self.last.answer.text}, valence {self.last.valence:+.2f}."
        return " ".join(filter(None, (self._counted_in_words(), self._uncertain_in_words(), newest)))

    def _counted_in_words(self) -> str:
        valences = [point.valence for point in self.counted]
        if len(valences) < 2:
            return "One estimate." if valences else ""
        return (
            f"{len(valences)} estimates between {min(valences):+.2f} and {max(valences):+.2f},"
            f" on average {self.mean:+.2f}, where -1 is unpleasant and +1 is pleasant."
        )

    def _uncertain_in_words(self) -> str:
        if not self.uncertain:
            return ""
        estimates = "One uncertain estimate is" if self.uncertain == 1 else f"{self.uncertain} uncertain estimates are"
        return f"{estimates} left out of the line and the average."


def sentiment(customer: Customer) -> Chart:
    """Return the chart of the customer's newest snapshots, oldest first."""
    newest = SentimentPoint.objects.filter(customer=customer).order_by("-captured_at", "-pk")[: NEWEST_SHOWN + 1]
    standing = EmotionRecord.objects.current().of_subjects().filter(snapshot__in=newest.values("pk"))
    records = list(standing.with_answers().select_related("snapshot").order_by("-snapshot__captured_at", "-snapshot"))
    shown = records[:NEWEST_SHOWN][::-1]
    if not shown:
        return Chart((), truncated=False)
    first, last = shown[0].snapshot.captured_at, shown[-1].snapshot.captured_at
    others = other_versions()
    points = tuple(_point(record, first, last, others) for record in shown)
    return Chart(points, truncated=len(records) > NEWEST_SHOWN)


def _point(record: EmotionRecord, first: datetime, last: datetime, others: Collection[int]) -> Point:
    when, stands = record.snapshot.captured_at, answer(record)
    another = not stands.by_person and record.model_version_id in others
    return Point(when, stands, record.confidence, _x(when, first, last), _y(stands.valence), another)


def _x(when: datetime, first: datetime, last: datetime) -> float:
    share = (when - first) / (last - first) if last > first else 0.5
    return round(MARGIN_X + share * (100 - 2 * MARGIN_X), 2)


def _y(valence: float) -> float:
    return round(MARGIN_Y + (1 - valence) / 2 * (100 - 2 * MARGIN_Y), 2)
