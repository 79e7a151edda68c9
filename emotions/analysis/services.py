"""Run the pipeline: build it once in each process, and analyse the photos that this process claims."""

from __future__ import annotations

from functools import lru_cache

from crm.models import Consent, Customer
from emotions.analysis import metrics
from emotions.analysis.batches import Analysis, Batch
from emotions.model_versions.services import ActiveModel, Stamps, active_model, detector_file, stamps_of
from emotions.snapshots.models import Snapshot
from emotions.snapshots.photos import photo_limits
from ml.detector_file import DetectorFile
from ml.pipeline import EmotionPipeline
from ml.types import PhotoAnalysis

# A worker claims this many photos at once, and then asks for the most urgent ones again. Four photos of 640x480 pixels
# take 0.2 seconds.
PHOTOS_AT_ONCE = 4


def pipeline() -> EmotionPipeline:
    """Return the active model's pipeline, which each process builds and warms once. Raises ModelUnavailable.

    Call this once for each batch: the next call may return the pipeline of another model that staff have activated.
    A pipeline is built again when its files change, so that all processes use the same files, or all wait.
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
    _loaded.name = built.card.model_version
    return built


class _Loaded:
    """Remember which model this process loaded last."""

    name = ""


_loaded = _Loaded()


def loaded_model() -> str:
    """Return name and version of the model that this process loaded last; empty before it loaded any."""
    return _loaded.name


def take_next() -> Batch | None:
    """Claim the most urgent snapshots, and return them as a batch; None if none is due.

    Raises ModelUnavailable before it claims any, so that they wait for a worker that has the model.
    """
    ready = pipeline()
    claims = Snapshot.objects.claim(PHOTOS_AT_ONCE)
    return Batch(claims, ready) if claims else None


def analyse(batch: Batch) -> None:
    """Analyse claimed snapshots and store their results; see Analysis."""
    Analysis(batch).run()


def run(ready: EmotionPipeline, snapshot: Snapshot) -> PhotoAnalysis:
    """Analyse the photo of one snapshot. Raises InvalidImage, and whatever the storage raises."""
    result = ready.analyze(snapshot.read_file())
    metrics.observe_pipeline(result, ready.card)
    return result


def has_consent(customer: Customer) -> bool:
    return Consent.objects.stands_for(customer, Consent.Scope.EMOTION_ANALYSIS)
