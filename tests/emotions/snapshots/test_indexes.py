"""Test the indexes for the most frequent queries of other systems. They need PostgreSQL, whose planner is asked."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F, QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.customers.api import CustomerFilter
from crm.models import Customer, Interaction
from emotions.models import Snapshot
from emotions.timeline.api.queries import Kind, Timeline
from emotions.uploads.api.serializers import SnapshotFilter, for_representation
from tests.support.databases import on_sqlite
from tests.support.factories import InteractionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.skipif(on_sqlite(), reason="needs PostgreSQL")]
ROWS = 2_000


def analyse(rows: QuerySet[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {rows.model._meta.db_table}")


def photographed() -> list[Interaction]:
    """Create interactions of 50 customers with 200 photos each."""
    interactions: list[Interaction] = [InteractionFactory() for _ in range(50)]
    now = timezone.now()
    Snapshot.objects.bulk_create(
        Snapshot(
            interaction=each,
            customer_id=each.customer_id,
            file="x",
            sha256=f"{number}",
            captured_at=now - timedelta(minutes=number),
            width=1,
            height=1,
        )
        for each in interactions
        for number in range(200)
    )
    for rows in (Snapshot.objects.all(), Interaction.objects.all(), Customer.objects.all()):
        analyse(rows)
    return interactions


@pytest.mark.parametrize("field", ["company", "email", "phone", "external_id"])
def test_an_exact_filter_reads_its_index(field: str) -> None:
    Customer.objects.bulk_create([Customer(name="A", **{field: f"{n}"}) for n in range(ROWS)])
    analyse(Customer.objects.all())
    plan = CustomerFilter({field: "7"}, Customer.objects.all()).qs.order_by("-pk")[:51].explain()
    assert f"customer_of_{field}" in plan


def test_a_busy_customers_timeline_reads_its_page_alone() -> None:
    """Sorting all photos of the customer, or reading everybody's in order of time, would cost seven times as much."""
    interactions = photographed()
    with CaptureQueriesContext(connection) as queries:
        Timeline(interactions[0].customer, frozenset({Kind.SNAPSHOT})).page(20)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {queries[0]['sql']}")
        plan = "\n".join(row for (row,) in cursor.fetchall())
    assert "snapshot_of_customer" in plan
    assert "Sort" not in plan


@pytest.mark.parametrize("ordering", ["changed_at", "-changed_at"])
def test_photos_that_changed_since_are_read_from_their_index_in_order(ordering: str) -> None:
    photographed()
    Snapshot.objects.update(changed_at=F("captured_at"))
    analyse(Snapshot.objects.all())
    sign = ordering.removesuffix("changed_at")
    asked = SnapshotFilter(
        {"changed_since": (timezone.now() - timedelta(hours=3)).isoformat()}, for_representation(Snapshot.objects.all())
    )
    plan = asked.qs.order_by(ordering, f"{sign}pk")[:51].explain()
    assert "snapshot_by_change" in plan
    assert "Sort" not in plan
