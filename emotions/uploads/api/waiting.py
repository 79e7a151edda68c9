"""Hold an answer back until the analysis is finished, for `?wait=SECONDS`.

A waiting request occupies a thread of its process, but no database connection between its short queries, and no
transaction is open. At most API_MAX_WAITING requests of a process wait at once, so that threads stay free for others.
A further one is answered at once with the present state.
"""

import time
from collections.abc import Collection
from threading import BoundedSemaphore

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from emotions.snapshots.models import Snapshot

MAX_WAIT = 10  # seconds
# Seconds between two queries: most photos are analysed within a few tenths of a second.
FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 0.05, 0.25, 1.5
PLACES = BoundedSemaphore(settings.API_MAX_WAITING)
WAIT = OpenApiParameter(
    "wait",
    {"type": "integer", "minimum": 0, "maximum": MAX_WAIT, "default": 0},
    description="Seconds for which the answer may be held back until the analysis is finished. It may still come"
    " unfinished: when the time is over, or at once when too many requests wait already. Then ask again.",
)


class WaitSerializer(serializers.Serializer[int]):
    wait = serializers.IntegerField(min_value=0, max_value=MAX_WAIT, default=0)


def seconds_to_wait(request: Request) -> int:
    """Read the query parameter. Raises ValidationError."""
    given = WaitSerializer(data=request.query_params)
    given.is_valid(raise_exception=True)
    seconds: int = given.validated_data["wait"]
    return seconds


def wait_until_finished(snapshots: Collection[Snapshot], seconds: int) -> None:
    """Return when all are finished or deleted, or when the time is over. Call this outside of transactions."""
    if not (seconds and PLACES.acquire(blocking=False)):
        return
    try:
        _wait([snapshot.pk for snapshot in snapshots], time.monotonic() + seconds)
    finally:
        PLACES.release()


def _wait(snapshots: Collection[int], end: float) -> None:
    unfinished = Snapshot.objects.unfinished().filter(pk__in=snapshots)
    pause = FIRST_PAUSE
    while unfinished.exists() and (left := end - time.monotonic()) > 0:
        time.sleep(min(pause, left))
        pause = min(pause * GROWTH, LONGEST_PAUSE)
