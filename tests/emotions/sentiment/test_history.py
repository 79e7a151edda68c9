"""Test sentiment by interval and by customer against values added up by hand."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries, Settings

from crm.models import Customer
from emotions.models import SentimentPoint
from emotions.sentiment.history import History, Interval, PeriodRefused, Tally, by_customer, history
from ml.labels import VALENCE, Emotion
from tests.support.factories import CustomerFactory, SnapshotFactory, UserFactory

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def point(
    when: str, emotion: str = "happy", valence: float = 0.5, customer: Customer | None = None, **fields: Any
) -> None:
    customer = customer or Customer.objects.first() or CustomerFactory()
    snapshot = SnapshotFactory(interaction__customer=customer, finished="analysed")
    made = {"by_person": False, **fields}
    SentimentPoint.objects.create(
        snapshot=snapshot, customer=customer, captured_at=at(when), emotion=emotion, valence=valence, **made
    )


def of(interval: str, zone: Any = UTC, period: tuple[datetime, datetime] = YEAR) -> History:
    return history(SentimentPoint.objects.all(), *period, Interval(interval), zone)


def slope() -> float | None:
    trend = of("day").trend
    return trend.slope if trend else None


def mean(tally: Tally) -> float | None:
    return None if tally.mean_valence is None else round(tally.mean_valence, 6)


def starts(found: History) -> list[str]:
    return [each.start.isoformat() for each in found.intervals]


def counts(found: History) -> list[int]:
    return [each.tally.counted for each in found.intervals]


def test_answers_are_counted_and_averaged_by_interval() -> None:
    point("2026-03-02T08:00", "happy", 0.6)
    point("2026-03-02T18:00", "sad", -0.4)
    point("2026-03-04T09:00", "happy", 0.7)
    monday, wednesday = of("day").intervals
    assert (monday.tally.counted, mean(monday.tally)) == (2, 0.1)
    assert (monday.tally.emotions[Emotion.HAPPY], monday.tally.emotions[Emotion.SAD]) == (1, 1)
    assert (wednesday.start, mean(wednesday.tally)) == (at("2026-03-04"), 0.7)
    total = of("day").total
    assert (total.counted, mean(total)) == (3, 0.3)
    assert sum(total.emotions.values()) == 3
    assert list(total.emotions) == list(Emotion)


def test_uncertain_answers_are_counted_apart() -> None:
    point("2026-03-02T08:00", "happy", 0.6)
    point("2026-03-02T09:00", "", -0.9)
    point("2026-03-05T09:00", "", -0.9)
    first, second = of("day").intervals
    assert (first.tally.counted, first.tally.uncertain, mean(first.tally)) == (1, 1, 0.6)
    assert (second.tally.counted, second.tally.uncertain, second.tally.mean_valence) == (0, 1, None)
    assert of("month").total.uncertain == 2


def test_what_people_said_counts_and_is_told() -> None:
    point("2026-03-02T08:00", "sad", VALENCE[Emotion.SAD], by_person=True)
    point("2026-03-02T09:00", "sad", -0.2)
    tally = of("day").total
    assert (tally.counted, tally.corrected, tally.emotions[Emotion.SAD]) == (2, 1, 2)
    assert tally.mean_valence == pytest.approx((-0.63 - 0.2) / 2)


def test_nothing_there_is_an_empty_history() -> None:
    found = of("month")
    assert (found.intervals, found.total.counted, found.total.mean_valence, found.trend) == ((), 0, None, None)


def test_the_start_belongs_to_the_period_and_the_end_does_not() -> None:
    for when in ("2026-01-31T23:59:59", "2026-02-01T00:00", "2026-02-28T23:59:59.999999", "2026-03-01T00:00"):
        point(when)
    assert counts(of("month", period=(at("2026-02-01"), at("2026-03-01")))) == [2]


def test_months_end_where_they_end() -> None:
    for when in ("2024-02-29T23:00", "2024-03-01T00:00", "2024-03-31T23:59", "2024-04-30T12:00"):
        point(when)
    found = of("month", period=(at("2024-01-01"), at("2025-01-01")))
    assert counts(found) == [1, 2, 1]
    assert [each.start.month for each in found.intervals] == [2, 3, 4]


def test_weeks_begin_on_monday() -> None:
    for when in ("2026-03-01T23:59", "2026-03-02T00:00", "2026-03-08T23:59"):  # the first is a Sunday
        point(when)
    found = of("week")
    assert counts(found) == [1, 2]
    assert starts(found) == ["2026-02-23T00:00:00+00:00", "2026-03-02T00:00:00+00:00"]


def test_days_are_those_of_the_time_zone() -> None:
    point("2026-06-30T22:30")  # in Berlin, half past midnight of the next day, which is also in the next month
    assert starts(of("day", BERLIN)) == ["2026-07-01T00:00:00+02:00"]
    assert starts(of("month", BERLIN)) == ["2026-07-01T00:00:00+02:00"]
    assert starts(of("day")) == ["2026-06-30T00:00:00+00:00"]


def test_the_settings_name_the_time_zone_otherwise(settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    point("2026-06-30T16:00")
    assert starts(of("day", None)) == ["2026-07-01T00:00:00+09:00"]


def test_an_offset_is_a_time_zone_too() -> None:
    point("2026-06-30T22:30")
    assert starts(of("day", timezone(timedelta(hours=2)))) == ["2026-07-01T00:00:00+02:00"]


def test_days_have_23_and_25_hours_when_the_clocks_change() -> None:
    # In UTC, Berlin's 29 March 2026 lasts from 23:00 to 22:00, and its 25 October 2026 from 22:00 to 23:00.
    for when in ("2026-03-28T23:00", "2026-03-29T21:59", "2026-03-29T22:00", "2026-10-24T22:00", "2026-10-25T22:59"):
        point(when)
    found = of("day", BERLIN)
    assert counts(found) == [2, 1, 2]
    assert starts(found) == [
        "2026-03-29T00:00:00+01:00",
        "2026-03-30T00:00:00+02:00",
        "2026-10-25T00:00:00+02:00",
    ]


def test_a_day_that_has_no_midnight_begins_an_hour_later() -> None:
    point("2026-04-24T12:00")  # Cairo's clocks go forward at midnight of this day
    assert starts(of("day", ZoneInfo("Africa/Cairo"))) == ["2026-04-24T01:00:00+03:00"]


def test_the_trend_is_the_slope_of_the_means_in_30_days() -> None:
    for when, valence in (("2026-03-01", -0.1), ("2026-03-31", 0.1), ("2026-04-30", 0.3), ("2026-04-30", 0.3)):
        point(when, "happy", valence)
    assert slope() == pytest.approx(0.2)


def test_the_trend_of_means_off_a_line_is_the_least_squares_one() -> None:
    for when, valence in (("2026-03-01", 0.0), ("2026-03-31", 0.6), ("2026-04-30", 0.3)):
        point(when, "happy", valence)
    assert slope() == pytest.approx(0.15)  # ((-1) * 0.0 + 0 * 0.6 + 1 * 0.3) / 2


def test_the_trends_line_goes_through_the_mean_of_the_means() -> None:
    for when, valence in (("2026-03-01", 0.0), ("2026-03-31", 0.6), ("2026-04-30", 0.3)):
        point(when, "happy", valence)
    trend = of("day").trend
    assert trend
    assert [round(trend.at(at(day)), 6) for day in ("2026-03-01", "2026-03-31", "2026-04-30")] == [0.15, 0.3, 0.45]


def test_two_intervals_that_count_make_no_trend() -> None:
    point("2026-03-01", "happy", 0.2)
    point("2026-03-02", "", 0.2)
    point("2026-03-03", "happy", 0.4)
    assert of("day").trend is None


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (at("2026-03-02"), at("2026-03-02"), "empty"),
        (at("2026-03-02"), at("2026-03-01"), "empty"),
        (at("2015-01-01"), at("2026-03-01"), "longer than 10 years"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=2))), at("2026-03-01"), "outside the calendar"),
    ],
)
def test_periods_that_are_no_use_are_refused(start: datetime, end: datetime, said: str) -> None:
    with pytest.raises(PeriodRefused, match=said):
        of("day", period=(start, end))


def test_ten_years_of_days_may_be_asked_for() -> None:
    point("2016-03-01")
    assert counts(of("day", period=(at("2016-01-01"), at("2026-01-01")))) == [1]
    assert counts(of("month", period=(at("1900-01-01"), at("2027-01-01")))) == [1]


def test_the_history_costs_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(12):
        point(f"2026-{number + 1:02}-15")
    with django_assert_num_queries(1):
        assert len(of("month").intervals) == 12


def test_staff_see_the_points_of_their_own_customers() -> None:
    owner, everyone = UserFactory(), UserFactory()
    everyone.user_permissions.add(Permission.objects.get(codename="view_every_customer"))
    for customer in (CustomerFactory(owner=owner), CustomerFactory(owner=None), CustomerFactory(owner=UserFactory())):
        point("2026-03-01", customer=customer)
    seen = SentimentPoint.objects.visible_to
    assert [seen(user).count() for user in (owner, everyone, UserFactory(is_active=False))] == [2, 3, 0]


def test_each_customer_has_one_row() -> None:
    first = CustomerFactory(source="shop", external_id="A1", name="Somebody")
    second, _ = CustomerFactory(), CustomerFactory()
    point("2026-03-01", "happy", 0.4, first)
    point("2026-03-02", "sad", -0.2, first, by_person=True)
    point("2026-03-03", "", -0.9, first)
    point("2026-03-04", "", -0.9, second)
    point("2025-12-31", "happy", 0.9, second)
    row, uncertain = by_customer(Customer.objects.all(), *YEAR)
    assert (row.public_id, row.source, row.external_id, row.name) == (first.uuid, "shop", "A1", "Somebody")
    assert (row.tally.counted, row.tally.uncertain, row.tally.corrected) == (2, 1, 1)
    assert row.tally.mean_valence == pytest.approx(0.1)
    assert (row.first, row.last) == (at("2026-03-01"), at("2026-03-03"))
    assert (uncertain.public_id, uncertain.tally.counted, uncertain.tally.mean_valence) == (second.uuid, 0, None)


def test_rows_of_customers_cost_the_same_queries_however_many() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            list(by_customer(Customer.objects.all(), *YEAR))
        return len(captured)

    point("2026-03-01", customer=CustomerFactory())
    one = queries()
    for _ in range(5):
        point("2026-03-01", customer=CustomerFactory())
    assert queries() == one


def test_rows_of_customers_of_an_empty_period_are_refused() -> None:
    with pytest.raises(PeriodRefused):
        by_customer(Customer.objects.all(), YEAR[1], YEAR[0])
