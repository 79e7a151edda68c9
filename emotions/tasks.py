"""List the tasks of emotions, for Celery."""

from emotions.analysis.tasks import analyse_snapshots
from emotions.reanalyses.tasks import go_on_reanalysing
from emotions.snapshots.tasks import delete_stray_files

__all__ = ["analyse_snapshots", "delete_stray_files", "go_on_reanalysing"]
