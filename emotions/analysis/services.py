"""Claim a snapshot, run the pipeline, store what it says. The only module that runs the pipeline."""

import logging
import time
from collections import deque
from dataclasses import asdict, dataclass
from functools import lru_cache

import cv2
from django.db import transaction

from crm.models import Consent, Customer
from emotions.analysis import metrics
from emotions.model_versions.services import ActiveModel, Stamps, active_model, detector_file, stamps_of
from emotions.models import EmotionRecord, ModelVersion, Snapshot
from emotions.outcomes.causes import Cause
from emotions.outcomes.services import fail, outcome_changed
from emotions.snapshots.photos import photo_limits
from jobs.attempts import attempt
from jobs.work import Claim, State
from ml.detector_file import DetectorFile
from ml.errors import DecoderKilled, InvalidImage
from ml.labels import EMOTIONS
from ml.pipeline import EmotionPipeline
from ml.types import FaceEmotion, PhotoAnalysis

logger = logging.getLogger(__name__)


def pipeline() -> EmotionPipeline:
    """The active model's pipeline, built and warmed once by this process. Raises ModelUnavailable.

    Take it once for each photo: the next call may give another model's, because staff activated that meanwhile. It is
    built anew when its files change, so that every process answers with what is there, or all of them wait.
    """
    model, detector = active_model(), detector_file()
    return _load(model, detector, model.stamps() + stamps_of([detector.path] if detector else []))


@lru_cache(maxsize=1)
def _load(model: ActiveModel, detector: DetectorFile | None, stamps: Stamps) -> EmotionPipeline:
    built = EmotionPipeline.load(
        model.folder, threads=1, limits=photo_limits(), models_dir=model.models_dir, detector_file=detector
    )
    model.expect(built.card)
    built.warm_up()
    _loaded.append(built.card.model_version)
    return built


_loaded: deque[str] = deque(maxlen=1)


def loaded_model() -> str:
    """Name and version of the model that this process loaded last; empty before it loaded any."""
    return _loaded[0] if _loaded else ""


@dataclass(frozen=True, slots=True)
class Taken:
    """A claimed snapshot and the pipeline that analyses it."""

    claim: Claim
    ready: EmotionPipeline


def take_next() -> Taken | None:
    """Claim the most urgent snapshot; None when none is due.

    Raises ModelUnavailable before it claims one, which then waits for a worker with the model.
    """
    ready = pipeline()
    claim = Snapshot.objects.claim_next()
    return Taken(claim, ready) if claim else None


def analyse(taken: Taken) -> None:
    """Bring a claimed snapshot to its end, or back to the queue; nothing happens if another worker took it over.

    Raises what Django does when the database goes away; the snapshot then waits again, or at the latest when the
    lease runs out.
    """
    claim, ready = taken.claim, taken.ready
    held = Snapshot.objects.held_by(claim)
    snapshot = held.with_consent().first()
    if snapshot is None:  # deleted or withheld in this very moment
        return
    outcome = ""
    about = f"Analysing snapshot {snapshot.uuid}"
    # A decoder may be killed for want of memory, which this photo may take each time: the attempt counts.
    with attempt(
        snapshot, fail=fail, about=about, input_errors=(InvalidImage,), interruptions=(DecoderKilled,)
    ) as this:
        result = run(ready, snapshot) if snapshot.has_consent else None
        started = time.perf_counter()
        outcome = _store(claim, snapshot.customer_id, result, ModelVersion.objects.of(ready.card))
        metrics.observe("store", time.perf_counter() - started, ready.card)
    if this.ended_as:
        outcome = Snapshot.Status.FAILED if this.ended_as == State.FAILED else metrics.RETRIED
    if outcome:
        metrics.count(outcome, ready.card)


def run(ready: EmotionPipeline, snapshot: Snapshot) -> PhotoAnalysis:
    """Raises InvalidImage, and whatever the storage raises."""
    result = ready.analyze(_read(snapshot))
    metrics.observe_pipeline(result, ready.card)
    return result


def _read(snapshot: Snapshot) -> bytes:
    with snapshot.file.open("rb") as file:
        return bytes(file.read())


def _store(claim: Claim, customer_id: int, result: PhotoAnalysis | None, version: ModelVersion) -> str:
    """Write the records and the final status, which it gives; empty when the claim was lost meanwhile."""
    with transaction.atomic():
        # The customer first, as everywhere, so that two transactions cannot wait for each other; and the consent in a
        # query of its own behind the lock, so that it sees a withdrawal that the lock waited for.
        customer = Customer.objects.select_for_update().filter(pk=customer_id).values_list("pk", flat=True).first()
        snapshot = Snapshot.objects.select_for_update(of=("self",)).held_by(claim).with_consent().first()
        if customer is None or snapshot is None:
            return ""
        if result is None or not snapshot.has_consent:
            snapshot.withhold()
            outcome_changed([snapshot.pk], Cause.CONSENT_WITHDRAWN)
            return snapshot.status
        records = EmotionRecord.objects.bulk_create(records_of(snapshot, version, result))
        snapshot.finish(Snapshot.Status.ANALYSED if records else Snapshot.Status.NO_FACE, version)
        outcome_changed([snapshot.pk], Cause.ANALYSIS)
        return snapshot.status


def has_consent(customer: Customer) -> bool:
    return Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS)


def records_of(snapshot: Snapshot, version: ModelVersion, result: PhotoAnalysis) -> list[EmotionRecord]:
    """One unsaved record for each face; the customer is the largest, until a person says otherwise."""
    return [_record(snapshot, version, index, face) for index, face in enumerate(result.faces)]


def _record(snapshot: Snapshot, version: ModelVersion, index: int, face: FaceEmotion) -> EmotionRecord:
    box = face.detection.box
    return EmotionRecord(
        snapshot=snapshot,
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
