"""Find and delete files in the storage that belong to no snapshot.

A process leaves one if it is killed between writing a photo and committing its row, or between the commit that deletes
a row or withdraws a consent and the deletion of the photo.
"""

import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.utils import timezone

from emotions.snapshots.models import PHOTOS, Snapshot

logger = logging.getLogger(__name__)

# No upload takes this long. The row of a younger file may not be committed yet.
GRACE = timedelta(hours=1)
BATCH = 100  # names in one query; with more, PostgreSQL does not use the index


def stray_files(grace: timedelta = GRACE) -> Iterator[str]:
    """Yield the names of files that are older than `grace` and belong to no snapshot. Reads one folder at a time."""
    for _, strays in _batches(grace, ""):
        yield from strays


def delete_stray_files(grace: timedelta = GRACE) -> int:
    """Delete stray files, and return how many. Several processes may do so at once."""
    return sum(_delete(name) for name in stray_files(grace))


def delete_stray_files_for(seconds: float, after: str = "", grace: timedelta = GRACE) -> str:
    """Delete stray files after this name for so many seconds; return the name reached, or empty at the end."""
    ends = time.monotonic() + seconds
    for reached, strays in _batches(grace, after):
        for name in strays:
            _delete(name)
        if time.monotonic() > ends:
            return reached
    return ""


def _batches(grace: timedelta, after: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the last name of each batch of files, and the stray ones among them."""
    written_before = timezone.now() - grace
    names = _files(PHOTOS, after)
    while batch := list(islice(names, BATCH)):
        unknown = sorted(set(batch) - set(rows_with(batch)))
        yield batch[-1], [name for name in unknown if _is_written_before(name, written_before)]


def _is_written_before(name: str, moment: datetime) -> bool:
    try:
        return default_storage.get_modified_time(name) <= moment
    except FileNotFoundError:  # somebody has just deleted it
        return False


def _delete(name: str) -> bool:
    try:
        default_storage.delete(name)
    except Exception:  # each storage raises its own errors; the next run tries again
        logger.exception("The stray file %s could not be deleted", name)
        return False
    logger.info("Deleted %s, which belonged to no snapshot", name)
    return True


def rows_with(names: list[str]) -> QuerySet[Snapshot, str]:
    """Return the names that belong to snapshots. For about BATCH names PostgreSQL uses an index."""
    return Snapshot.objects.exclude(file="").filter(file__in=names).order_by().values_list("file", flat=True)


def _files(folder: str, after: str) -> Iterator[str]:
    """Yield all names below the folder that come after this one, in order."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:  # there is no folder before the first photo
        return
    for entry in sorted([*filter(None, files), *(f"{inner}/" for inner in folders)]):
        name = f"{folder}/{entry}"
        if not entry.endswith("/"):
            if name > after:
                yield name
        elif name > after or after.startswith(name):
            yield from _files(name.rstrip("/"), after)
