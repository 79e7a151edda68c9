"""Measure how long a photo takes from bytes to scores, how long the start takes, and how much memory is needed.

The photos are made from scikit-image's astronaut, so that anyone can repeat the measurement.
"""

import argparse
import io
import json
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from ml.registry import DEFAULT_MODEL, MODELS_DIR
from ml.types import Timings

SIZES = ((640, 480), (1920, 1080), (4320, 3240))
TARGETS_MS = {"640x480": 40, "1920x1080": 60, "4320x3240": 100}
STAGES = tuple(field.name for field in fields(Timings))


def photo(width: int, height: int) -> bytes:
    """Return a JPEG with one face, about a fifth of the photo's height, as in a picture of a person at a table."""
    import skimage.data
    from PIL import Image

    astronaut = Image.fromarray(skimage.data.astronaut())
    side = round(height * 0.8)
    picture = Image.effect_noise((width, height), 12).convert("RGB")  # noise compresses as badly as a real photo
    picture.paste(astronaut.resize((side, side), Image.Resampling.LANCZOS), ((width - side) // 2, height - side))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Load the pipeline, and time every photo of a folder. Run this in its own process, so that its memory counts."""
    started = time.perf_counter()
    from ml.pipeline import EmotionPipeline

    pipeline = EmotionPipeline.load(options.model, options.threads, models_dir=options.models)
    pipeline.warm_up()
    start_seconds = time.perf_counter() - started
    photos = {}
    for file in sorted(folder.iterdir()):
        data = file.read_bytes()
        pipeline.analyze(data)
        photos[file.stem] = _medians([_one(pipeline, data) for _ in range(options.repeat)])
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"start_seconds": start_seconds, "peak_mb": peak_mb, "photos": photos}


def _one(pipeline: Any, data: bytes) -> dict[str, float]:
    started, cpu_started = time.perf_counter(), time.process_time()
    analysis = pipeline.analyze(data)
    whole, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    return {"total": whole * 1000, "cpu": cpu * 1000, **asdict(analysis.timings), "faces": len(analysis.faces)}


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(run[key] for run in runs) for key in runs[0]}


def in_own_process(options: argparse.Namespace) -> dict[str, Any]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for width, height in SIZES:
            (Path(folder) / f"{width}x{height}.jpg").write_bytes(photo(width, height))
        command = [sys.executable, "-m", "bench.pipeline", "--photos", folder, "--json"]
        command += ["--model", options.model, "--models", str(options.models)]
        command += ["--threads", str(options.threads), "--repeat", str(options.repeat)]
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    measured: dict[str, Any] = json.loads(result.stdout)
    return measured


def as_table(measured: dict[str, Any]) -> str:
    columns = ("total", "cpu", *STAGES)
    lines = ["| photo | faces | target | " + " | ".join(columns) + " |", "| --- " * (len(columns) + 3) + "|"]
    for name, target in TARGETS_MS.items():
        row = measured["photos"][name]
        figures = " | ".join(f"{row[column]:.1f}" for column in columns)
        lines.append(f"| {name} | {row['faces']:.0f} | {target} | {figures} |")
    lines.append("")
    lines.append(f"Milliseconds, medians. Start {measured['start_seconds']:.1f} s, peak {measured['peak_mb']:.0f} MB.")
    return "\n".join(lines)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.pipeline", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--repeat", type=int, default=25, metavar="N", help="runs of each photo (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads for the nets (%(default)s)")
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help="released model (%(default)s)")
    parser.add_argument("--models", type=Path, default=MODELS_DIR, metavar="DIR", help="folder of the released models")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="measure the photos of a folder, in this process")
    return parser


def main() -> int:
    options = build_parser().parse_args()
    if options.photos:
        print(json.dumps(measure(options.photos, options)))
        return 0
    measured = in_own_process(options)
    print(json.dumps(measured) if options.json else as_table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
