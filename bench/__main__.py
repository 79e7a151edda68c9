"""python -m bench: every measurement of the README, one after another, with the machine named."""

import argparse
import os
import platform
import sys
from pathlib import Path

from bench import pipeline, queue


def machine() -> str:
    model = "unknown processor"
    if (information := Path("/proc/cpuinfo")).exists():
        names = [
            line.partition(":")[2].strip() for line in information.read_text().splitlines() if "model name" in line
        ]
        model = names[0] if names else model
    load = os.getloadavg()[0]
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}; load at the start {load:.1f}"


def main() -> int:
    argparse.ArgumentParser(prog="python -m bench", description=__doc__).parse_args()
    print(machine(), end="\n\n", flush=True)
    print(pipeline.as_table(pipeline.in_own_process(pipeline.build_parser().parse_args([]))), end="\n\n", flush=True)
    print(queue.as_table(queue.in_own_process(queue.build_parser().parse_args([]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
