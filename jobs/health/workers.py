"""Whether the workers of this machine or container are well: each has completed a task lately.

Exit status 0 if so; else 1, and a sentence says which has not. Needs nothing but Python, and reads the folder
"heartbeats" in VAR_DIR, where workers leave a file each.
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
    """Why they are not well, as a sentence; empty when they are. `name` is the part before the @, or empty for all."""
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
