"""Run analyses in this process."""

from emotions.analysis import services as analysis
from emotions.analysis.batches import Batch
from emotions.models import Snapshot
from emotions.reanalyses import worker as rerun


def analyse(snapshot_id: int) -> None:
    """Analyse this snapshot as a worker would, or do nothing if it is claimed or done. Raises as `take_next`."""
    ready = analysis.pipeline()
    if claim := Snapshot.objects.filter(pk=snapshot_id).claim_next():
        analysis.analyse(Batch([claim], ready))


def reanalyse() -> None:
    """Do all re-analyses as a worker would."""
    while turn := rerun.take_next():
        rerun.go_on(turn)
