"""Change what stands for a photo, and make everything that depends on it follow."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from emotions.answers.models import EmotionCorrection
from emotions.outcomes.causes import Cause
from emotions.outcomes.events import emit_correction, emit_results
from emotions.sentiment.points import delete_points, refresh_points
from emotions.snapshots.models import Snapshot, SnapshotQuerySet

# These write to records only. The others write the snapshot's state, which moves `changed_at` already.
WITHOUT_STATE = (Cause.SUBJECT_CHOSEN, Cause.CORRECTION)


def outcome_changed(snapshots: Collection[int], cause: Cause, *, correction: EmotionCorrection | None = None) -> None:
    """Update the sentiment and `changed_at` of these snapshots (primary keys), and emit their webhooks.

    Call it at the end of every transaction that changes what stands for a photo, with the snapshots locked. A cause
    that is a correction needs the correction. A photo that is withheld emits nothing: its consent's event says why.
    """
    if not snapshots:
        return
    if cause in WITHOUT_STATE:
        Snapshot.objects.filter(pk__in=snapshots).touch()
    if cause == Cause.CONSENT_WITHDRAWN:
        delete_points(snapshots)
        return
    refresh_points(snapshots)
    if correction:
        emit_correction(correction)
    else:
        emit_results(snapshots, cause)


@transaction.atomic
def fail(snapshots: SnapshotQuerySet, error: str) -> int:
    """End the analysis of these snapshots and return how many they were.

    `error` is a sentence for people: what happened, and what to do next.
    """
    failing = list(snapshots.select_for_update(of=("self",)).values_list("pk", flat=True))
    if failing:
        Snapshot.objects.filter(pk__in=failing).fail(error)
        outcome_changed(failing, Cause.ANALYSIS)
    return len(failing)
