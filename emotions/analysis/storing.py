"""Write the records and final states of analysed photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import cv2
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from crm.models import Customer
from emotions.answers.models import EmotionRecord
from emotions.model_versions.models import ModelVersion
from emotions.outcomes.causes import Cause
from emotions.outcomes.services import outcome_changed
from emotions.snapshots.models import Snapshot
from jobs.work import Claim
from ml.labels import EMOTIONS
from ml.types import FaceEmotion, PhotoAnalysis


@dataclass(frozen=True, slots=True)
class Result:
    """A claimed snapshot and what the pipeline found in its photo; None without the customer's consent."""

    snapshot: Snapshot
    found: PhotoAnalysis | None


@transaction.atomic
def store(results: Sequence[Result], version: ModelVersion) -> list[str]:
    """Write records and final states, all or nothing, and return the states.

    Skips snapshots that lost their claim meanwhile, and withholds snapshots without a standing consent.
    """
    consents = _lock([result.snapshot for result in results])
    held = [result for result in results if result.snapshot.pk in consents]
    withheld = [each.snapshot for each in held if each.found is None or not consents[each.snapshot.pk]]
    analysed = {each.snapshot.pk: each.found for each in held if each.found and each.snapshot not in withheld}
    for snapshot in withheld:
        snapshot.withhold()
    records = [record for pk, found in analysed.items() for record in records_of(pk, version, found)]
    EmotionRecord.objects.bulk_create(records)
    with_face = {record.snapshot_id for record in records}
    outcomes = [str(Snapshot.Status.WITHHELD)] * len(withheld)
    for status, pks in (
        (Snapshot.Status.ANALYSED, with_face),
        (Snapshot.Status.NO_FACE, analysed.keys() - with_face),
    ):
        if pks:
            Snapshot.objects.filter(pk__in=pks).end(status, model_version=version, attempts=Greatest(F("attempts"), 1))
        outcomes += [str(status)] * len(pks)
    outcome_changed([snapshot.pk for snapshot in withheld], Cause.CONSENT_WITHDRAWN)
    outcome_changed(analysed.keys(), Cause.ANALYSIS)
    return outcomes


def _lock(snapshots: Sequence[Snapshot]) -> dict[int, bool]:
    """Lock customers and snapshots, and return by primary key of the snapshot whether the consent stands.

    Customers come first, as everywhere, and rows of one table in the order of their keys, so that no two transactions
    can wait for each other. The consents are read after the customers are locked, to see a withdrawal that the lock
    waited for.
    """
    customers = Customer.objects.select_for_update().filter(pk__in={snapshot.customer_id for snapshot in snapshots})
    there = set(customers.order_by("pk").values_list("pk", flat=True))
    claims = [Claim(snapshot.pk, snapshot.claim_token) for snapshot in snapshots if snapshot.claim_token]
    held = Snapshot.objects.select_for_update(of=("self",)).held_by(*claims).with_consent().order_by("pk")
    return {each.pk: each.has_consent for each in held if each.customer_id in there}


def records_of(snapshot: int, version: ModelVersion, found: PhotoAnalysis) -> list[EmotionRecord]:
    """Return an unsaved record for each face; the customer is the largest, until a person says otherwise."""
    return [_record(snapshot, version, index, face) for index, face in enumerate(found.faces)]


def _record(snapshot: int, version: ModelVersion, index: int, face: FaceEmotion) -> EmotionRecord:
    box = face.detection.box
    return EmotionRecord(
        snapshot_id=snapshot,
        model_version=version,
        face_index=index,
        is_subject=index == 0,
        box_x=box.x,
        box_y=box.y,
        box_width=box.width,
        box_height=box.height,
        detection_confidence=face.detection.confidence,
        landmarks=asdict(face.detection.landmarks),
        dominant_emotion=face.dominant_emotion,
        confidence=face.confidence,
        valence=face.valence,
        face_png=cv2.imencode(".png", face.face)[1].tobytes(),
        **{f"score_{emotion}": score for emotion, score in zip(EMOTIONS, face.scores, strict=True)},
    )
