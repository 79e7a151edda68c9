"""Do a worker's part of a re-analysis: one photo at a time, after all new uploads."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from crm.models import Customer
from emotions.analysis import services as analysis
from emotions.analysis.storing import records_of
from emotions.answers.models import EmotionRecord
from emotions.corrections.services import SAME_FACE, carry_over
from emotions.model_versions.models import ModelVersion
from emotions.model_versions.services import ANOTHER_ACTIVATED
from emotions.outcomes.causes import Cause
from emotions.outcomes.services import outcome_changed
from emotions.reanalyses.models import Reanalysis, ReanalysisQuerySet
from emotions.snapshots.models import Snapshot
from jobs.attempts import attempt
from jobs.work import Claim, ClaimLost
from ml.errors import DecoderKilled, InvalidImage
from ml.pipeline import EmotionPipeline
from ml.types import BoundingBox, PhotoAnalysis

logger = logging.getLogger(__name__)


class FaceLost(Exception):
    """Report that the model does not find a face that a person has corrected."""


def take_next() -> Claim | None:
    """Claim the next run; return None while new photos wait or when no run can be claimed.

    Raises ModelUnavailable before it claims the run, so that the run waits for a worker that has the model.
    """
    if Snapshot.objects.waits():
        return None
    analysis.pipeline()
    return Reanalysis.objects.claim_next()


def go_on(claim: Claim) -> None:
    """Analyse the next photo of a run, and release the run so that other runs have their turn."""
    held = Reanalysis.objects.held_by(claim)
    run = held.select_related("model_version").first()
    if run is None:
        return
    ready = analysis.pipeline()
    if ModelVersion.objects.of(ready.card) != run.model_version:
        held.cancel(ANOTHER_ACTIVATED)
        return
    snapshot = run.snapshots().select_related("interaction__customer", "model_version").first()
    if snapshot is None:
        held.end(Reanalysis.Status.DONE)
        return
    # An error costs the photo an attempt (see `_next_photo`), and its earlier answer stands.
    with attempt(run, about=f"Analysing snapshot {snapshot.uuid} again", interruptions=(DecoderKilled,)):
        _next_photo(held, run, snapshot, ready)
    held.release(timedelta(0))


def _next_photo(held: ReanalysisQuerySet, run: Reanalysis, snapshot: Snapshot, ready: EmotionPipeline) -> None:
    """Analyse the photo after the cursor and store the result. Raises ClaimLost when nothing more may be stored."""
    if run.attempts > settings.ANALYSIS_MAX_ATTEMPTS:  # This photo probably kills its worker.
        _count(held, run, snapshot, "failed")
        return
    if not analysis.has_consent(snapshot.interaction.customer):
        _count(held, run, snapshot, "withheld")
        return
    try:
        result = None if _answered(snapshot, run.model_version) else analysis.run(ready, snapshot)
        _store(held, run, snapshot, result)
    except (InvalidImage, FaceLost) as error:
        logger.info("Snapshot %s keeps its earlier answer: %s", snapshot.uuid, error)
        _count(held, run, snapshot, "failed")


def _count(held: ReanalysisQuerySet, run: Reanalysis, snapshot: Snapshot, *outcome: str) -> None:
    """Count the outcome and move past the photo.

    Raises ClaimLost when another worker has moved the cursor or the run was stopped.
    """
    if not held.advance(run.cursor, to=snapshot.pk, **dict.fromkeys(outcome, 1)):
        raise ClaimLost


def _answered(snapshot: Snapshot, version: ModelVersion) -> bool:
    """Return whether this version has analysed the photo before. Its records are then used again."""
    return EmotionRecord.objects.filter(snapshot=snapshot, model_version=version).exists()


@transaction.atomic
def _store(held: ReanalysisQuerySet, run: Reanalysis, seen: Snapshot, result: PhotoAnalysis | None) -> None:
    """Make this version's records the photo's answer and move the cursor, both in one transaction.

    `result` is None when the records exist already.
    """
    # Every transaction locks the customer first and then the snapshot, so that two of them cannot deadlock.
    customers = Customer.objects.select_for_update(of=("self",))
    customer = customers.filter(interactions__snapshots=seen.pk).first()
    snapshots = Snapshot.objects.select_for_update(of=("self",))
    snapshot = snapshots.filter(pk=seen.pk, status__in=Reanalysis.ANALYSED_BEFORE).first()
    if customer is None or snapshot is None:  # The photo was deleted, or waits for an analysis of its own.
        _count(held, run, seen)
        return
    if not analysis.has_consent(customer):
        _count(held, run, seen, "withheld")
        return
    _count(held, run, seen, "done")
    chosen, said = _subject_box(snapshot), _corrections_of(EmotionRecord.objects.current().filter(snapshot=snapshot))
    records = EmotionRecord.objects.filter(snapshot=snapshot, model_version=run.model_version)
    if not records.exists() and result is not None:
        EmotionRecord.objects.bulk_create(records_of(snapshot.pk, run.model_version, result))
    faces = list(records.defer("face_png", "landmarks").order_by("face_index"))
    if faces:
        records.update(is_subject=False)
        records.filter(pk=_subject(chosen, faces).pk).update(is_subject=True)
        carry_over(snapshot, run.model_version)
    if said - _corrections_of(records):
        raise FaceLost(f"{run.model_version} does not find a face in which somebody saw something.")
    if snapshot.finish(Snapshot.Status.ANALYSED if faces else Snapshot.Status.NO_FACE, run.model_version):
        outcome_changed([snapshot.pk], Cause.REANALYSIS)


def _corrections_of(records: QuerySet[EmotionRecord]) -> set[int | None]:
    return set(records.exclude(correction=None).values_list("correction_id", flat=True))


def _subject_box(snapshot: Snapshot) -> BoundingBox | None:
    """Return the box of the current subject; None when the photo has no subject."""
    records = EmotionRecord.objects.current().of_subjects().filter(snapshot=snapshot)
    subject = records.defer("face_png", "landmarks").first()
    return subject.box if subject else None


def _subject(chosen: BoundingBox | None, faces: list[EmotionRecord]) -> EmotionRecord:
    """Return the face that lies where the chosen one lay, or the largest if none does. Faces come largest first."""
    if chosen is None:
        return faces[0]
    nearest = max(faces, key=lambda face: face.box.overlap(chosen))
    return nearest if nearest.box.overlap(chosen) >= SAME_FACE else faces[0]
