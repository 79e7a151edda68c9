"""Reads: which photos wait for their analysis."""

from datetime import timedelta

from django.db.models import Min
from django.utils import timezone

from emotions.snapshots.models import CLOCK_DIFFERENCE, Snapshot


def oldest_wait() -> timedelta | None:
    """For how long the photo that has waited longest has been due; None when none waits.

    Since it was uploaded, or since it was to be tried again. One look into the index of unfinished snapshots.
    """
    now = timezone.now()
    waiting = Snapshot.objects.waiting().filter(status=Snapshot.Status.PENDING, due_at__lte=now)
    due = waiting.aggregate(due=Min("due_at"))["due"]
    return max(now - due - CLOCK_DIFFERENCE, timedelta(0)) if due else None
