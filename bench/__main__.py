"""Run the measurements of the pipeline and the queue one after another, and name the machine."""

import argparse
import sys

from bench import pipeline, queue
from bench.machine import machine


def main() -> int:
    argparse.ArgumentParser(prog="python -m bench", description=__doc__).parse_args()
    print(machine(), end="\n\n", flush=True)
    print(pipeline.as_table(pipeline.in_own_process(pipeline.build_parser().parse_args([]))), end="\n\n", flush=True)
    print(queue.as_table(queue.in_own_process(queue.build_parser().parse_args([]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
