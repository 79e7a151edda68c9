"""Update everything that depends on a photo's result after the result has changed."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from emotions.answers.models import EmotionCorrection
from emotions.outcomes.causes import Cause
from emotions.outcomes.events import emit_correction, emit_results
from emotions.sentiment.points import delete_points, refresh_points
from emotions.snapshots.models import Snapshot, SnapshotQuerySet

# These causes change only records. The others change the snapshot's state, which updates `changed_at` already.
WITHOUT_STATE = (Cause.SUBJECT_CHOSEN, Cause.CORRECTION)


def outcome_changed(snapshots: Collection[int], cause: Cause, *, correction: EmotionCorrection | None = None) -> None:
    """Update the sentiment and `changed_at` of these snapshots (primary keys), and emit their webhooks.

    Call it at the end of every transaction that changes a photo's result, with the snapshots locked. If the
    cause is a correction, pass that correction. A withheld photo emits nothing, because the event about the
    consent already says why.
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
    """Fail the analysis of these snapshots and return how many there were.

    `error` is a sentence for people that says what happened and what to do next.
    """
    failing = list(snapshots.select_for_update(of=("self",)).values_list("pk", flat=True))
    if failing:
        Snapshot.objects.filter(pk__in=failing).fail(error)
        outcome_changed(failing, Cause.ANALYSIS)
    return len(failing)
