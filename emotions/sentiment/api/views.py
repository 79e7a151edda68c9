"""Serve the sentiment of customers to other systems, as JSON and as CSV."""

from __future__ import annotations

import uuid
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from crm.api.problems import MEDIA_TYPE
from crm.api.schema import PROBLEM
from crm.api.views import ApiMixin
from crm.models import Customer, Scope
from emotions.sentiment.api.serializers import (
    CUSTOMER_COLUMNS,
    INTERVAL_COLUMNS,
    CustomersSentimentSerializer,
    HistoryQuerySerializer,
    HistorySerializer,
    PeriodSerializer,
    cells,
    customers_shown,
    in_utc,
    intervals_shown,
    tally_shown,
)
from emotions.sentiment.api.streams import CSV, JSON, CsvRenderer, csv_of, json_of
from emotions.sentiment.history import Interval, PeriodRefused, by_customer, history
from emotions.sentiment.models import SentimentPoint

WRONG_PERIOD = {(422, MEDIA_TYPE): {"$ref": f"#/components/schemas/{PROBLEM}"}}


@contextmanager
def refused() -> Iterator[None]:
    """Turn PeriodRefused into a problem with the parameter `from`."""
    try:
        yield
    except PeriodRefused as error:
        raise ValidationError({"from": [str(error)]}, "period_refused") from error


class SentimentViews(ApiMixin, APIView):
    """Share what all views of sentiment do. `Accept: text/csv` asks for CSV."""

    read_scope, write_scope = Scope.RESULTS_READ, Scope.RESULTS_WRITE
    renderer_classes = (JSONRenderer, CsvRenderer)

    def wants_csv(self) -> bool:
        return isinstance(self.request.accepted_renderer, CsvRenderer)

    def history(self, points: QuerySet[SentimentPoint]) -> HttpResponseBase:
        asked = HistoryQuerySerializer(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        given: dict[str, Any] = asked.validated_data
        start, end, interval = given["from"], given["to"], Interval(given["interval"])
        with refused():
            found = history(points, start, end, interval, zoneinfo.ZoneInfo(given["zone"]))
        intervals = intervals_shown(found)
        if self.wants_csv():
            return csv_of(INTERVAL_COLUMNS, cells(INTERVAL_COLUMNS, intervals), "sentiment")
        about = {"from": in_utc(start), "to": in_utc(end), "interval": interval, "zone": given["zone"]}
        slope = found.trend.slope if found.trend else None
        return json_of({**about, "trend": slope, "total": tally_shown(found.total)}, "intervals", intervals)


class SentimentView(SentimentViews):
    query_parameters = ("from", "to", "interval", "zone")

    @extend_schema(
        operation_id="sentiment",
        parameters=[HistoryQuerySerializer],
        responses={(200, JSON): HistorySerializer, (200, CSV): str, **WRONG_PERIOD},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return how pleasant all customers you may see appeared to feel, by day, week or month.

        CSV has one row for each interval. `trend_valence` is the value of the trend line there.
        """
        return self.history(SentimentPoint.objects.visible_to(self.user))


class CustomerSentimentView(SentimentViews):
    query_parameters = SentimentView.query_parameters

    @extend_schema(
        operation_id="customers_sentiment",
        parameters=[HistoryQuerySerializer],
        responses={(200, JSON): HistorySerializer, (200, CSV): str, **WRONG_PERIOD},
    )
    def get(self, request: Request, id: uuid.UUID) -> HttpResponseBase:
        """Return how pleasant one customer appeared to feel, by day, week or month.

        CSV has one row for each interval. `trend_valence` is the value of the trend line there.
        """
        customer = get_object_or_404(Customer.objects.visible_to(self.user), uuid=id)
        return self.history(SentimentPoint.objects.filter(customer=customer))


class CustomersSentimentView(SentimentViews):
    query_parameters = ("from", "to")

    @extend_schema(
        operation_id="sentiment_by_customer",
        parameters=[PeriodSerializer],
        responses={(200, JSON): CustomersSentimentSerializer, (200, CSV): str, **WRONG_PERIOD},
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Return how pleasant each customer you may see appeared to feel, with a row for each who has a result.

        All rows come in one response, which is sent while the database is read.
        """
        asked = PeriodSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        start, end = asked.validated_data["from"], asked.validated_data["to"]
        with refused():
            rows = customers_shown(by_customer(Customer.objects.visible_to(self.user), start, end))
        if self.wants_csv():
            return csv_of(CUSTOMER_COLUMNS, cells(CUSTOMER_COLUMNS, rows), "sentiment-by-customer")
        return json_of({"from": in_utc(start), "to": in_utc(end)}, "results", rows)
