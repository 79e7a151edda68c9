"""What the site writes is for its owner alone: other users of the machine read neither customers nor secrets."""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

OTHERS = stat.S_IRWXO
GROUP_AND_OTHERS = stat.S_IRWXG | OTHERS


def write_for_the_owner_only() -> None:
    """Of everything that this process makes from now on."""
    os.umask(GROUP_AND_OTHERS)


def close_folder(folder: Path) -> None:
    """Make the folder, and take it and what stands in it from others, as an earlier version may have left it open.

    Deeper ones are out of reach then. A folder that everybody may write to, such as /tmp, stays as it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not folder.stat().st_mode & stat.S_ISVTX:
        _take_from(GROUP_AND_OTHERS, [folder, *folder.iterdir()])


def close_database(file: Path) -> None:
    """SQLite makes its further files, which hold rows too, as readable as the database."""
    _take_from(GROUP_AND_OTHERS, [file, *(file.with_name(file.name + end) for end in ("-wal", "-shm", "-journal"))])


def close_to_strangers(folder: Path) -> None:
    """As the folder may be outside ours, its group stays: a web server that sends photos may be in it."""
    _take_from(OTHERS, [folder])


def _take_from(whom: int, paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(FileNotFoundError, PermissionError):  # gone meanwhile, as queued messages are; or somebody else's
            mode = path.lstat().st_mode
            if mode & whom and not stat.S_ISLNK(mode):
                path.chmod(stat.S_IMODE(mode) & ~whom)
