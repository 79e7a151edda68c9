"""Analyses in this process."""

from emotions import analysis, rerun
from emotions.models import Snapshot


def analyse(snapshot_id: int) -> None:
    """Analyse this snapshot as a worker would; nothing happens if it is taken or done. Raises as `take_next`."""
    ready = analysis.pipeline()
    if claim := Snapshot.objects.claim(snapshot_id):
        analysis.analyse(analysis.Taken(claim, ready))


def reanalyse() -> None:
    """Go on with all re-analyses as a worker would."""
    while turn := rerun.take_next():
        rerun.go_on(turn)
