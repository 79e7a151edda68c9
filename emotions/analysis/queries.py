"""Read how long photos have waited for their analysis."""

from datetime import timedelta

from django.db.models import Min
from django.utils import timezone

from emotions.snapshots.models import CLOCK_DIFFERENCE, Snapshot


def oldest_wait() -> timedelta | None:
    """Return how long the oldest waiting photo has been due; None if none is waiting.

    A photo is due from its upload, or from the time of its next attempt. This takes one look into the index of
    unfinished snapshots.
    """
    now = timezone.now()
    waiting = Snapshot.objects.waiting().filter(status=Snapshot.Status.PENDING, due_at__lte=now)
    due = waiting.aggregate(due=Min("due_at"))["due"]
    return max(now - due - CLOCK_DIFFERENCE, timedelta(0)) if due else None
