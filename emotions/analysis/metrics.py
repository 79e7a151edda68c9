"""Measure analyses for Prometheus. Workers count and time them; the web process reports the oldest waiting photo."""

from dataclasses import asdict

from prometheus_client import Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from emotions.analysis.queries import oldest_wait
from emotions.snapshots.models import Snapshot
from ml.types import ModelCard, PhotoAnalysis

RETRIED = "retried"

ANALYSES = Counter(
    "rapport_analyses",
    "Attempts to analyse a new photo, by how they ended: analysed, no_face, failed, withheld, retried.",
    ("result", "model", "version"),
)
STAGES = Histogram(
    "rapport_analysis_stage_seconds",
    "How long each stage took, of new photos and of those that are analysed again.",
    ("stage", "model", "version"),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


def count(result: str, card: ModelCard) -> None:
    ANALYSES.labels(result, card.name, card.version).inc()


def count_given_up(count: int) -> None:
    """Count photos that were given up after several attempts broke off. They name no model, because none answered."""
    ANALYSES.labels(Snapshot.Status.FAILED.value, "", "").inc(count)


def observe(stage: str, seconds: float, card: ModelCard) -> None:
    STAGES.labels(stage, card.name, card.version).observe(seconds)


def observe_pipeline(analysis: PhotoAnalysis, card: ModelCard) -> None:
    """Observe the stages that the pipeline timed itself. Classification includes preprocessing."""
    for stage, milliseconds in asdict(analysis.timings).items():
        observe(stage, milliseconds / 1000, card)


def oldest_waiting() -> Metric:
    age = oldest_wait()
    return GaugeMetricFamily(
        "rapport_oldest_waiting_photo_seconds",
        "For how long the oldest waiting photo has been due; 0 when none waits.",
        value=age.total_seconds() if age else 0.0,
    )
