"""Files in the storage that belong to no snapshot.

Whoever is killed between writing a photo and the commit of its row leaves one, as does who is killed between the commit
that deletes a row, or withdraws a consent, and the deletion of the photo.
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

# No upload lasts so long: the row of a younger file may still be on its way.
GRACE = timedelta(hours=1)
BATCH = 100  # names in one query: of more, PostgreSQL does not see that it can use the index


def stray_files(grace: timedelta = GRACE) -> Iterator[str]:
    """Names of files that are older than `grace` and that no snapshot has. Holds one folder's names at a time."""
    for _, strays in _batches(grace, ""):
        yield from strays


def delete_stray_files(grace: timedelta = GRACE) -> int:
    """Delete them, and say how many there were. Several may do so at once."""
    return sum(_delete(name) for name in stray_files(grace))


def delete_stray_files_for(seconds: float, after: str = "", grace: timedelta = GRACE) -> str:
    """Delete those whose names come after that one, for so long; gives the name that it came to, empty at the end."""
    ends = time.monotonic() + seconds
    for reached, strays in _batches(grace, after):
        for name in strays:
            _delete(name)
        if time.monotonic() > ends:
            return reached
    return ""


def _batches(grace: timedelta, after: str) -> Iterator[tuple[str, list[str]]]:
    """The last name of each batch of files, and which of them are stray."""
    written_before = timezone.now() - grace
    names = _files(PHOTOS, after)
    while batch := list(islice(names, BATCH)):
        unknown = sorted(set(batch) - set(rows_with(batch)))
        yield batch[-1], [name for name in unknown if _is_written_before(name, written_before)]


def _is_written_before(name: str, moment: datetime) -> bool:
    try:
        return default_storage.get_modified_time(name) <= moment
    except FileNotFoundError:  # deleted in this very moment
        return False


def _delete(name: str) -> bool:
    try:
        default_storage.delete(name)
    except Exception:  # each storage has errors of its own; the next run tries again
        logger.exception("The stray file %s could not be deleted", name)
        return False
    logger.info("Deleted %s, which belonged to no snapshot", name)
    return True


def rows_with(names: list[str]) -> QuerySet[Snapshot, str]:
    """Those of the names that snapshots have. Of about BATCH names PostgreSQL asks an index."""
    return Snapshot.objects.exclude(file="").filter(file__in=names).order_by().values_list("file", flat=True)


def _files(folder: str, after: str) -> Iterator[str]:
    """All names below the folder that come after that one, in their order."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:  # before the first photo
        return
    for entry in sorted([*filter(None, files), *(f"{inner}/" for inner in folders)]):
        name = f"{folder}/{entry}"
        if not entry.endswith("/"):
            if name > after:
                yield name
        elif name > after or after.startswith(name):
            yield from _files(name.rstrip("/"), after)
