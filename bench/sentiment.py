"""Measure how long it takes to read the sentiment of one customer and of everyone. Needs the rows of bench.dataset."""

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

EXPORT = "a row for each customer, one year"
MOST_RUNS = {EXPORT: 5}  # fewer, because each run takes seconds
TARGETS_MS = {"one customer": 60, "everyone": 500}
Measurement = Callable[[], object]


def measure(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return milliseconds for each measurement. Needs Django set up."""
    from emotions.models import SentimentPoint

    if not SentimentPoint.objects.exists():
        raise SystemExit("The database holds no sentiment. Fill it with python -m bench.dataset.")
    measurements = _measurements(options.seed)
    return {
        name: _times(run, min(options.repeat, MOST_RUNS.get(name, options.repeat)))
        for name, run in measurements.items()
    }


def _times(run: Measurement, repeat: int) -> dict[str, float]:
    run()  # the first opens the connection
    milliseconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        run()
        milliseconds.append((time.perf_counter() - started) * 1000)
    centiles = statistics.quantiles(milliseconds, n=20, method="inclusive")
    return {"median": statistics.median(milliseconds), "p95": centiles[-1], "runs": repeat}


def _measurements(seed: int) -> dict[str, Measurement]:
    """Return the measurements by the names that the table shows."""
    from django.db.models import Count, Max

    from crm.models import Customer, User
    from emotions.models import SentimentPoint
    from emotions.sentiment.history import Interval, by_customer, history
    from emotions.sentiment.queries import sentiment

    chance = random.Random(seed)  # noqa: S311
    newest = SentimentPoint.objects.aggregate(newest=Max("captured_at"))["newest"] + timedelta(seconds=1)
    year, ever = newest - timedelta(days=365), newest - timedelta(days=3 * 365)
    customers = list(Customer.objects.values_list("pk", flat=True))
    counted = SentimentPoint.objects.values("customer").annotate(count=Count("*")).order_by("-count")
    busiest = Customer.objects.get(pk=counted[0]["customer"])
    superuser, owner = (User.objects.get(username=name) for name in ("bench-all", "bench01"))

    def of_one(customer: int | None = None) -> object:
        points = SentimentPoint.objects.filter(customer=customer or chance.choice(customers))
        return history(points, ever, newest, Interval.WEEK)

    def of_all(user: User, interval: Interval) -> Measurement:
        return lambda: history(SentimentPoint.objects.visible_to(user), year, newest, interval)

    return {
        "one customer, by week, three years": of_one,
        f"one customer, the busiest ({counted[0]['count']} answers)": lambda: of_one(busiest.pk),
        "one customer, the busiest, the chart of the timeline": lambda: sentiment(busiest),
        **{f"everyone, one year, by {interval}": of_all(superuser, interval) for interval in Interval},
        "everyone whom one of 20 owners sees, one year, by month": of_all(owner, Interval.MONTH),
        EXPORT: lambda: sum(1 for _ in by_customer(Customer.objects.all(), year, newest)),
    }


def explain() -> str:
    """Run each measured query but the export, and return the plans, with the buffers that they read."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    told = []
    for name, run in _measurements(0).items():
        if name == EXPORT:
            continue
        with CaptureQueriesContext(connection) as queries:
            run()
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {queries[-1]['sql']}")
            told.append(f"-- {name}\n" + "\n".join(row[0] for row in cursor.fetchall()))
    return "\n\n".join(told)


def as_table(figures: dict[str, dict[str, Any]]) -> str:
    lines = ["| sentiment of | median | 95th percentile | target |", "| --- | --- | --- | --- |"]
    for name, times in figures.items():
        target = next((f"{ms} ms" for what, ms in TARGETS_MS.items() if name.startswith(what)), "")
        lines.append(f"| {name} | {times['median']:.1f} ms | {times['p95']:.1f} ms | {target} |")
    return "\n".join(lines)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.sentiment", description=__doc__)
    parser.add_argument("--repeat", type=int, default=50, metavar="N", help="runs of each (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the choice of customers (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--explain", action="store_true", help="print the database's plans instead")
    return parser


def main() -> int:
    options = build_parser().parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    if options.explain:
        print(explain())
        return 0
    figures = measure(options)
    print(json.dumps(figures) if options.json else as_table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
