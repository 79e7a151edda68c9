"""A worker's part of a re-analysis: photo by photo, behind every new upload."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from crm.models import Customer
from emotions.analysis import services as analysis
from emotions.corrections.services import SAME_FACE, carry_over
from emotions.model_versions.services import ANOTHER_ACTIVATED
from emotions.models import EmotionRecord, ModelVersion, Reanalysis, Snapshot
from emotions.outcomes.causes import Cause
from emotions.outcomes.services import outcome_changed
from emotions.reanalyses.models import ReanalysisQuerySet
from jobs.outage import connection_lost
from jobs.work import Claim
from ml.errors import DecoderKilled, InvalidImage
from ml.pipeline import EmotionPipeline
from ml.types import BoundingBox, PhotoAnalysis

logger = logging.getLogger(__name__)


class Ended(Exception):
    """The run is done, was stopped or postponed, or another worker has taken it over: nothing more may be stored."""


class FaceLost(Exception):
    """The model does not find a face in which a person saw something."""


def take_next() -> Claim | None:
    """Take the run whose turn it is; None while new photos wait, and when every run is taken or has ended.

    Raises ModelUnavailable before it takes the run, which then waits for a worker with the model.
    """
    if Snapshot.objects.waits():
        return None
    analysis.pipeline()
    return Reanalysis.objects.claim_next()


def go_on(claim: Claim) -> None:
    """Do the next photo of a run, and give the turn back."""
    try:
        _next_photo(claim)
    except Ended:
        pass
    finally:
        Reanalysis.objects.held_by(claim).release(timedelta(0))


def _next_photo(claim: Claim) -> None:
    """Do the photo after the cursor. Raises Ended when there is nothing more to do."""
    held = Reanalysis.objects.held_by(claim)
    run = held.select_related("model_version").first()
    if run is None:
        raise Ended
    ready = analysis.pipeline()
    if ModelVersion.objects.of(ready.card) != run.model_version:
        held.cancel(ANOTHER_ACTIVATED)
        raise Ended
    snapshot = run.snapshots().select_related("interaction__customer", "model_version").first()
    if snapshot is None:
        held.end(Reanalysis.Status.DONE)
        raise Ended
    if run.attempts > settings.ANALYSIS_MAX_ATTEMPTS:  # this photo probably kills its worker
        _count(held, run, snapshot, "failed")
    else:
        _do(held, run, snapshot, ready)


def _do(held: ReanalysisQuerySet, run: Reanalysis, snapshot: Snapshot, ready: EmotionPipeline) -> None:
    if not analysis.has_consent(snapshot.interaction.customer):
        _count(held, run, snapshot, "withheld")
        return
    try:
        result = None if _answered(snapshot, run.model_version) else analysis.run(ready, snapshot)
        _store(held, run, snapshot, result)
    except Ended:
        raise
    except (InvalidImage, FaceLost) as error:
        logger.info("Snapshot %s keeps its earlier answer: %s", snapshot.uuid, error)
        _count(held, run, snapshot, "failed")
    except DecoderKilled as error:  # which counts as an attempt, see analysis.analyse
        logger.warning("Analysing snapshot %s again broke off. %s", snapshot.uuid, error)
    except ConnectionError as error:  # to the storage: the run goes on when it is back
        logger.warning("The re-analysis waits at snapshot %s. %s", snapshot.uuid, error)
        held.release(Snapshot.retry_delay(1), attempt_counts=False)
        raise Ended from error
    except Exception as error:  # whatever it is, the earlier answer stands; the photo is given up after some attempts
        if connection_lost(error):
            connection.close()  # the next query opens another
            held.release(attempt_counts=False)
            raise
        logger.exception("Analysing snapshot %s again failed", snapshot.uuid)


def _count(held: ReanalysisQuerySet, run: Reanalysis, snapshot: Snapshot, *outcome: str) -> None:
    """Move on to the next photo. Raises Ended when somebody else has, or the run was stopped."""
    if not held.advance(run.cursor, to=snapshot.pk, **dict.fromkeys(outcome, 1)):
        raise Ended


def _answered(snapshot: Snapshot, version: ModelVersion) -> bool:
    """Whether this version's records are there: then they count again, and no second ones are made."""
    return EmotionRecord.objects.filter(snapshot=snapshot, model_version=version).exists()


@transaction.atomic
def _store(held: ReanalysisQuerySet, run: Reanalysis, seen: Snapshot, result: PhotoAnalysis | None) -> None:
    """Let this version's records count, new ones or those that there are, and move the cursor; all or nothing."""
    # The customer first, then the snapshot, as everywhere, so that two transactions cannot wait for each other.
    customers = Customer.objects.select_for_update(of=("self",))
    customer = customers.filter(interactions__snapshots=seen.pk).first()
    snapshots = Snapshot.objects.select_for_update(of=("self",))
    snapshot = snapshots.filter(pk=seen.pk, status__in=Reanalysis.ANALYSED_BEFORE).first()
    if customer is None or snapshot is None:  # deleted, or waiting for a task of its own
        _count(held, run, seen)
        return
    if not analysis.has_consent(customer):
        _count(held, run, seen, "withheld")
        return
    _count(held, run, seen, "done")
    chosen, said = _subject_box(snapshot), _corrections_of(EmotionRecord.objects.current().filter(snapshot=snapshot))
    records = EmotionRecord.objects.filter(snapshot=snapshot, model_version=run.model_version)
    if not records.exists() and result is not None:
        EmotionRecord.objects.bulk_create(analysis.records_of(snapshot, run.model_version, result))
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
    """The box of the face that is the customer at present."""
    records = EmotionRecord.objects.current().of_subjects().filter(snapshot=snapshot)
    subject = records.defer("face_png", "landmarks").first()
    return subject.box if subject else None


def _subject(chosen: BoundingBox | None, faces: list[EmotionRecord]) -> EmotionRecord:
    """Of the faces, largest first, the one that lies where the chosen one lay; the largest when none does."""
    if chosen is None:
        return faces[0]
    nearest = max(faces, key=lambda face: face.box.overlap(chosen))
    return nearest if nearest.box.overlap(chosen) >= SAME_FACE else faces[0]
