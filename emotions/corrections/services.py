"""What people say of a face, and which records it stands for.

A correction is about a face in a photo. It names the record that the person looked at, and stands for the record
of the same face that each model version made, which is found by its box.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter

from django.db import transaction

from crm.models import User
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
    """Write down that this person sees this emotion in the face. The same again changes nothing."""
    _say(record, emotion, by)


def take_back(record: EmotionRecord, by: User) -> None:
    """Let the model's answer stand again. What was said before stays in the history."""
    _say(record, "", by)


@transaction.atomic
def choose_subject(record: EmotionRecord) -> None:
    """Say that this face, and no other of its photo, is the customer."""
    Snapshot.objects.select_for_update().get(pk=record.snapshot_id)
    faces = EmotionRecord.objects.filter(snapshot=record.snapshot_id, model_version=record.model_version_id)
    faces.update(is_subject=False)
    faces.filter(pk=record.pk).update(is_subject=True)
    outcome_changed([record.snapshot_id], Cause.SUBJECT_CHOSEN)


def cannot_tell(record: EmotionRecord, by: User) -> None:
    """Write down that this person looked at the face and cannot say. The same again changes nothing."""
    CannotTell.objects.get_or_create(record=record, said_by=by)


def can_tell(record: EmotionRecord, by: User) -> None:
    """Forget that this person could not say."""
    CannotTell.objects.filter(record=record, said_by=by).delete()


def carry_over(snapshot: Snapshot, version: ModelVersion) -> None:
    """Let what people said stand for the records that this model version has just made.

    Call it in the transaction that makes them, with the snapshot locked.
    """
    said = list(EmotionCorrection.objects.filter(record__snapshot=snapshot).select_related("record").order_by("pk"))
    unsaid = list(CannotTell.objects.filter(record__snapshot=snapshot).select_related("record"))
    if not said and not unsaid:
        return
    records = list(_without_pictures(snapshot).filter(model_version=version))
    for correction in said:
        _stand(correction, records)
    CannotTell.objects.bulk_create(
        [
            CannotTell(record=record, said_by_id=each.said_by_id, created_at=each.created_at)
            for each in unsaid
            for record in _same_face(each.record, records)
        ],
        ignore_conflicts=True,
    )


def counting(record: EmotionRecord) -> EmotionRecord | None:
    """The record of the same face that counts now: this one, or a later analysis's; None when that has no such face."""
    records = _without_pictures(record.snapshot).current()
    return next(_same_face(record, records), None)


@transaction.atomic
def _say(record: EmotionRecord, emotion: Emotion | str, by: User) -> None:
    # One at a time, so that the newest correction is also the one that stands.
    snapshot = Snapshot.objects.select_for_update().get(pk=record.snapshot_id)
    records = list(_without_pictures(snapshot).select_related("correction"))
    standing = next(each.correction for each in records if each.pk == record.pk)
    said_already = (standing.emotion, standing.corrected_by_id) == (emotion, by.pk) if standing else not emotion
    if not said_already:
        correction = EmotionCorrection.objects.create(record=record, emotion=emotion, corrected_by=by)
        _stand(correction, records)
        outcome_changed([snapshot.pk], Cause.CORRECTION, correction=correction)


def _stand(correction: EmotionCorrection, records: Iterable[EmotionRecord]) -> None:
    """Let the correction stand for its face among these records of its snapshot."""
    found = [record.pk for record in _same_face(correction.record, records)]
    EmotionRecord.objects.filter(pk__in=found).update(correction=correction if correction.emotion else None)


def _same_face(record: EmotionRecord, records: Iterable[EmotionRecord]) -> Iterator[EmotionRecord]:
    """Of each model version the record of the same face, if it found that face."""
    by_version = attrgetter("model_version_id")
    for _, of_version in groupby(sorted(records, key=by_version), by_version):
        best = max(of_version, key=lambda each: (each == record, each.box.overlap(record.box)))
        if best.box.overlap(record.box) >= SAME_FACE:
            yield best


def _without_pictures(snapshot: Snapshot) -> EmotionRecordQuerySet:
    return EmotionRecord.objects.filter(snapshot=snapshot).defer("face_png", "landmarks")
