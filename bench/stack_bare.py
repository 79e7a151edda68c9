"""Loop the pipeline over a folder of photos in one process. bench.stack compares the stack with this."""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from bench.processes import family_processor_seconds
from ml.pipeline import EmotionPipeline


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.stack_bare", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--photos", type=int, required=True)
    options = parser.parse_args()
    files = [file.read_bytes() for file in sorted(options.folder.iterdir())]
    pipeline = EmotionPipeline.load(options.model, threads=1)
    pipeline.warm_up()
    print("ready", flush=True)
    sys.stdin.read()  # wait until all processes are ready
    begin, computed = time.monotonic(), family_processor_seconds(os.getpid())  # includes the decoder
    for place in range(options.photos):
        pipeline.analyze(files[place % len(files)])
    spent = {"end": time.monotonic(), "processor_s": family_processor_seconds(os.getpid()) - computed}
    print(json.dumps({"photos": options.photos, "begin": begin, **spent}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
