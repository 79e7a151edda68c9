"""Keep one SentimentPoint for each snapshot that shows its customer. Sentiment is read from these points."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import F

from emotions.answers.models import EmotionRecord
from emotions.answers.queries import answer
from emotions.sentiment.models import SentimentPoint
from emotions.snapshots.models import Snapshot

BATCH = 1_000
COPIED = ("customer_id", "captured_at", "emotion", "by_person", "valence")


class Batch(NamedTuple):
    """Counts of what one transaction compared."""

    last: int  # primary key of the last snapshot
    compared: int  # snapshots
    differing: int


def refresh_points(snapshots: Collection[int]) -> None:
    """Write the points of these snapshots (primary keys), and delete the points of snapshots that show no customer.

    Only `outcome_changed` calls this, with the snapshots locked.
    """
    points = _standing(snapshots)
    if gone := set(snapshots) - points.keys():
        delete_points(gone)
    _write(points.values())


def delete_points(snapshots: Collection[int]) -> None:
    SentimentPoint.objects.filter(pk__in=snapshots).delete()


def rebuild(*, after: int = 0, write: bool = True) -> Iterator[Batch]:
    """Compare all points with the answers, and correct points that differ unless `write` is off.

    Goes through the snapshots by primary key, from the first one after `after`, in short transactions.
    """
    while snapshots := list(Snapshot.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            differing = _differing(_locked(snapshots))
            if write:
                refresh_points(differing)
        after = snapshots[-1]
        yield Batch(after, len(snapshots), len(differing))


def _locked(snapshots: Iterable[int]) -> list[int]:
    """Lock the finished snapshots, and return their primary keys. The tasks of unfinished ones write their points."""
    finished = Snapshot.objects.exclude(finished_at=None)
    locked = finished.select_for_update().filter(pk__in=snapshots).order_by("pk")
    return list(locked.values_list("pk", flat=True))


def _differing(snapshots: Collection[int]) -> list[int]:
    right, kept = _standing(snapshots), SentimentPoint.objects.in_bulk(snapshots)
    return [pk for pk in snapshots if _copied(right.get(pk)) != _copied(kept.get(pk))]


def _copied(point: SentimentPoint | None) -> tuple[object, ...]:
    return tuple(getattr(point, field) for field in COPIED) if point else ()


def _write(points: Iterable[SentimentPoint]) -> None:
    SentimentPoint.objects.bulk_create(points, update_conflicts=True, unique_fields=["snapshot"], update_fields=COPIED)


def _standing(snapshots: Collection[int]) -> dict[int, SentimentPoint]:
    """Return the points as they should be, unsaved, by primary key of the snapshot."""
    counted = EmotionRecord.objects.current().of_subjects().filter(snapshot__in=snapshots)
    records = counted.select_related("model_version", "correction").defer("face_png", "landmarks")
    customer, captured_at = F("snapshot__customer"), F("snapshot__captured_at")
    found = records.annotate(customer=customer, captured_at=captured_at)
    return {
        record.snapshot_id: _point(record, record.customer, record.captured_at)  # type: ignore[attr-defined]  # annotated
        for record in found
    }


def _point(record: EmotionRecord, customer: int, captured_at: datetime) -> SentimentPoint:
    stands = answer(record)
    return SentimentPoint(
        snapshot_id=record.snapshot_id,
        customer_id=customer,
        captured_at=captured_at,
        emotion=stands.emotion or "",
        by_person=stands.by_person,
        valence=stands.valence,
    )
