"""Describe the machine on which a bench runs."""

import os
import platform
from pathlib import Path


def machine() -> str:
    model = "unknown processor"
    if (information := Path("/proc/cpuinfo")).exists():
        names = [
            line.partition(":")[2].strip() for line in information.read_text().splitlines() if "model name" in line
        ]
        model = names[0] if names else model
    load = os.getloadavg()[0]
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}; load at the start {load:.1f}"
