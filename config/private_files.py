"""Keep the site's files from other users of the machine, who must read neither customers nor secrets."""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

OTHERS = stat.S_IRWXO
GROUP_AND_OTHERS = stat.S_IRWXG | OTHERS


def write_for_the_owner_only() -> None:
    """Let only the owner read what this process writes from now on."""
    os.umask(GROUP_AND_OTHERS)


def close_folder(folder: Path) -> None:
    """Make the folder, and close it and its contents to others; an earlier version may have left them open.

    Deeper files are out of reach then. A folder that everybody may write to, such as /tmp, stays as it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not folder.stat().st_mode & stat.S_ISVTX:
        _take_from(GROUP_AND_OTHERS, [folder, *folder.iterdir()])


def close_database(file: Path) -> None:
    """Close the database and its further files to others. They hold rows too, and take the database's permissions."""
    _take_from(GROUP_AND_OTHERS, [file, *(file.with_name(file.name + end) for end in ("-wal", "-shm", "-journal"))])


def close_to_strangers(folder: Path) -> None:
    """Close the folder to all but its owner and its group: a web server that sends photos may be in that group."""
    _take_from(OTHERS, [folder])


def _take_from(whom: int, paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(FileNotFoundError, PermissionError):  # a queued message that was taken, or somebody else's file
            mode = path.lstat().st_mode
            if mode & whom and not stat.S_ISLNK(mode):
                path.chmod(stat.S_IMODE(mode) & ~whom)
