"""Run the work on photo files for Celery. Each task may be run twice."""

from __future__ import annotations

from celery import shared_task

from emotions.snapshots import stray_files

STRAY_FILES_SECONDS = 10.0


@shared_task
def delete_stray_files(after: str = "") -> None:
    """Delete stray files for a while, then send a message to continue from there.

    A worker that completes no task for long would count as overdue.
    """
    if reached := stray_files.delete_stray_files_for(STRAY_FILES_SECONDS, after):
        delete_stray_files.delay(reached)
