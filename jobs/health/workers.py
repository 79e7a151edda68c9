"""Check that every worker of this machine or container has completed a task recently.

Exit with status 0 if so. Otherwise exit with status 1 and print which worker has not. This needs nothing
but Python. It reads the folder "heartbeats" in VAR_DIR, where each worker keeps a file.
"""

import argparse
import json
import os
import socket
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def problem(folder: Path, name: str) -> str:
    """Return a sentence about the first problem; empty if all is well.

    `name` is the part of the worker's name before the @; empty checks every worker.
    """
    files = sorted(folder.glob(f"{name or '*'}@{socket.gethostname()}"))
    if not files:
        return f"No worker of {socket.gethostname()} has completed a heartbeat yet; there is none in {folder}."
    for file in files:
        try:
            age, limit = time.time() - file.stat().st_mtime, float(json.loads(file.read_text())["limit"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            return f"The heartbeat of {file.name} cannot be read: {error!r}."
        if age > limit:
            return f"The last heartbeat of {file.name} is {age:.0f} seconds old; at most {limit:.0f} are well."
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m jobs.health.workers", description=__doc__)
    parser.add_argument("name", nargs="?", default="", help="the worker's name before the @ (default: every worker)")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(os.environ.get("VAR_DIR") or ROOT / "var") / "heartbeats",
        help="where the heartbeats are (%(default)s)",
    )
    options = parser.parse_args()
    found = problem(options.folder, options.name)
    print(found or "ok")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
