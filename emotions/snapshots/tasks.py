"""Celery entry points of photos as files. Each may be run twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import shared_task

from emotions.snapshots import stray_files

if TYPE_CHECKING:
    pass


STRAY_FILES_SECONDS = 10.0


@shared_task
def delete_stray_files(after: str = "") -> None:
    """For a while, and then by another message from there on: who completes no task for long counts as deaf."""
    if reached := stray_files.delete_stray_files_for(STRAY_FILES_SECONDS, after):
        delete_stray_files.delay(reached)
