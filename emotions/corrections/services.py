"""Correct the answer for a face, take that back, or choose which face is the customer.

A correction is about a face in a photo. It names the record that the person looked at. It stands for the record of
the same face by every model version; these records are found by their boxes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from django.db import transaction

from crm.models import User
from crm.privacy.deletion import keep_from_deletion
from emotions.answers.models import CannotTell, EmotionCorrection, EmotionRecord, EmotionRecordQuerySet
from emotions.model_versions.models import ModelVersion
from emotions.outcomes.causes import Cause
from emotions.outcomes.services import outcome_changed
from emotions.snapshots.models import Snapshot
from ml.labels import Emotion

# Intersection over union from which two boxes are one face: the usual limit of the PASCAL VOC challenge
# (Everingham et al. 2010).
SAME_FACE = 0.5


def correct(record: EmotionRecord, emotion: Emotion, by: User) -> None:
    """Save that this person sees this emotion in the face. Repeating the same correction changes nothing."""
    _save(record, emotion, by)


def take_back(record: EmotionRecord, by: User) -> None:
    """Let the model's answer stand again. Earlier corrections stay in the history."""
    _save(record, "", by)


@transaction.atomic
def choose_subject(record: EmotionRecord) -> None:
    """Make this face, and no other in its photo, the customer."""
    Snapshot.objects.select_for_update().get(pk=record.snapshot_id)
    faces = EmotionRecord.objects.filter(snapshot=record.snapshot_id, model_version=record.model_version_id)
    faces.update(is_subject=False)
    faces.filter(pk=record.pk).update(is_subject=True)
    outcome_changed([record.snapshot_id], Cause.SUBJECT_CHOSEN)


@transaction.atomic
def cannot_tell(record: EmotionRecord, by: User) -> None:
    """Save that this person looked at the face and cannot tell its emotion. Repeating that changes nothing.

    Raises Snapshot.DoesNotExist when the photo was deleted meanwhile.
    """
    if not keep_from_deletion(Snapshot, [record.snapshot_id]):
        raise Snapshot.DoesNotExist
    CannotTell.objects.get_or_create(record=record, said_by=by)


def can_tell(record: EmotionRecord, by: User) -> None:
    """Delete the record that this person could not tell the emotion."""
    CannotTell.objects.filter(record=record, said_by=by).delete()


def carry_over(snapshot: Snapshot, version: ModelVersion) -> None:
    """Let the corrections of a photo stand for the records that this model version has just made.

    Call this in the transaction that makes them, with the snapshot locked.
    """
    corrections = EmotionCorrection.objects.filter(record__snapshot=snapshot).select_related("record").order_by("pk")
    passed = list(CannotTell.objects.filter(record__snapshot=snapshot).select_related("record"))
    if not corrections and not passed:
        return
    records = list(_without_pictures(snapshot).filter(model_version=version))
    for correction in corrections:
        _make_stand(correction, records)
    CannotTell.objects.bulk_create(
        [
            CannotTell(record=record, said_by_id=each.said_by_id, created_at=each.created_at)
            for each in passed
            for record in _same_face(each.record, records)
        ],
        ignore_conflicts=True,
    )


def counting(record: EmotionRecord) -> EmotionRecord | None:
    """Return the record that counts now for the same face; None if the model that counts did not find this face."""
    records = _without_pictures(record.snapshot).current()
    return next(_same_face(record, records), None)


@transaction.atomic
def _save(record: EmotionRecord, emotion: Emotion | str, by: User) -> None:
    # The lock lets one correction through at a time, so that the newest is also the one that stands.
    snapshot = Snapshot.objects.select_for_update().get(pk=record.snapshot_id)
    records = list(_without_pictures(snapshot).select_related("correction"))
    standing = next(each.correction for each in records if each.pk == record.pk)
    stands_already = (standing.emotion, standing.corrected_by_id) == (emotion, by.pk) if standing else not emotion
    if not stands_already:
        correction = EmotionCorrection.objects.create(record=record, emotion=emotion, corrected_by=by)
        _make_stand(correction, records)
        outcome_changed([snapshot.pk], Cause.CORRECTION, correction=correction)


def _make_stand(correction: EmotionCorrection, records: Iterable[EmotionRecord]) -> None:
    """Let the correction stand for the records of its face among these records of its snapshot."""
    found = [record.pk for record in _same_face(correction.record, records)]
    EmotionRecord.objects.filter(pk__in=found).update(correction=correction if correction.emotion else None)


def _same_face(record: EmotionRecord, records: Iterable[EmotionRecord]) -> Iterator[EmotionRecord]:
    """Yield each model version's record of the same face, if it found that face."""
    by_version = attrgetter("model_version_id")
    for _, of_version in groupby(sorted(records, key=by_version), by_version):
        best = max(of_version, key=lambda each: (each == record, each.box.overlap(record.box)))
        if best.box.overlap(record.box) >= SAME_FACE:
            yield best


def _without_pictures(snapshot: Snapshot) -> EmotionRecordQuerySet:
    return EmotionRecord.objects.filter(snapshot=snapshot).defer("face_png", "landmarks")
