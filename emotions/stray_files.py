"""Files in the storage that belong to no snapshot.

Whoever is killed between writing a photo and the commit of its row leaves one, as does who is killed between the commit
that deletes a row, or withdraws a consent, and the deletion of the photo.
"""

import logging
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.utils import timezone

from emotions.models import Snapshot
from emotions.models.snapshot import PHOTOS

logger = logging.getLogger(__name__)

# No upload lasts so long: the row of a younger file may still be on its way.
GRACE = timedelta(hours=1)
BATCH = 100  # names in one query: of more, PostgreSQL does not see that it can use the index


def stray_files(grace: timedelta = GRACE) -> Iterator[str]:
    """Names of files that are older than `grace` and that no snapshot has. Holds one folder's names at a time."""
    written_before = timezone.now() - grace
    names = _files(PHOTOS)
    while batch := list(islice(names, BATCH)):
        for name in sorted(set(batch) - set(rows_with(batch))):
            try:
                if default_storage.get_modified_time(name) <= written_before:
                    yield name
            except FileNotFoundError:  # deleted in this very moment
                continue


def delete_stray_files(grace: timedelta = GRACE) -> int:
    """Delete them, and say how many there were. Several may do so at once."""
    deleted = 0
    for name in stray_files(grace):
        try:
            default_storage.delete(name)
        except Exception:  # each storage has errors of its own; the next run tries again
            logger.exception("The stray file %s could not be deleted", name)
        else:
            logger.info("Deleted %s, which belonged to no snapshot", name)
            deleted += 1
    return deleted


def rows_with(names: list[str]) -> QuerySet[Snapshot, str]:
    """Those of the names that snapshots have. Of about BATCH names PostgreSQL asks an index."""
    return Snapshot.objects.exclude(file="").filter(file__in=names).order_by().values_list("file", flat=True)


def _files(folder: str) -> Iterator[str]:
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:  # before the first photo
        return
    yield from (f"{folder}/{name}" for name in files if name)
    for inner in sorted(folders):
        yield from _files(f"{folder}/{inner}")
