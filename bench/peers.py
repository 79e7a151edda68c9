"""Compare this pipeline with PyPI `fer` (Haar cascade and MTCNN) on the same photos, each in its own process.

Each process starts, loads what it needs, finds the faces in all photos and classifies them. The bench reports seconds
and peak memory from start to end, and how many faces were found. If the folder has a boxes.json as for bench.detection,
it also reports how many annotated faces were found. `fer` gets its own environment of several gigabytes, which is made
if it is missing.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from bench.detection import COUNTED_FROM, LONG_SIDE, Tally
from ml.registry import DEFAULT_MODEL
from ml.types import BoundingBox

# These are the latest releases that fer works with. OpenCV 5 has no cascades, and new releases of setuptools have no
# pkg_resources. torch and torchvision must belong to the same release, or MTCNN crashes.
REQUIREMENTS = ("fer==25.10.3", "opencv-contrib-python<5", "setuptools<81", "torch==2.14.1", "torchvision==0.29.1")
OURS, HAAR, MTCNN = "this pipeline", "fer, Haar", "fer, MTCNN"


def install(environment: Path) -> Path:
    """Install fer in the environment unless it is there, and return the path of the environment's Python."""
    python = environment / "bin" / "python"
    if not (environment / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)  # noqa: S603
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *REQUIREMENTS], check=True)  # noqa: S603
        (environment / "complete").touch()
    return python


def commands(environment: Path, model: str) -> dict[str, list[str]]:
    """Return each command by name. It takes photos, and prints an object with `file` and `faces` for each, as JSON."""
    script = str(Path(__file__).with_name("peers_fer.py"))
    fer = [str(install(environment)), "-P", script]  # -P, because its folder has a module "queue", as Python has
    return {
        OURS: [sys.executable, "-m", "ml", "analyse", "--json", "--model", model],
        HAAR: [*fer, "haar"],
        MTCNN: [*fer, "mtcnn"],
    }


def measure(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    files = sorted(file for file in options.photos.iterdir() if file.suffix.lower() in (".jpg", ".jpeg", ".png"))
    boxes_file = options.photos / "boxes.json"
    annotated = json.loads(boxes_file.read_text()) if boxes_file.exists() else {}
    started = commands(options.environment, options.model)
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in started}
    with tqdm(total=len(started) * options.rounds, unit="run", disable=None) as progress:
        for _ in range(options.rounds):  # they take turns, so that a busy minute slows all of them
            for name, command in started.items():
                runs[name].append(_run([*command, *map(str, files)], annotated))
                progress.update()
    return {name: {key: statistics.median(run[key] for run in of) for key in of[0]} for name, of in runs.items()}


def _run(command: list[str], annotated: dict[str, list[dict[str, float]]]) -> dict[str, float]:
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    with tempfile.TemporaryFile() as output:
        begin = time.monotonic()
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL, env=quiet)  # noqa: S603
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{' '.join(command[:4])} ended with status {process.returncode}.")
        output.seek(0)
        answers = [json.loads(line) for line in output if line.startswith(b"{")]
    figures = {"seconds": seconds, "peak_mb": used.ru_maxrss / 1024, "photos": float(len(answers))}
    return figures | _counted(answers, annotated)


def _counted(answers: list[dict[str, Any]], annotated: dict[str, list[dict[str, float]]]) -> dict[str, float]:
    tally = Tally()
    for answer in answers:
        file = Path(answer["file"])
        with Image.open(file) as photo:
            scale = max(photo.size) / LONG_SIDE
        wanted = [_box(face) for face in annotated.get(file.name, [])]
        tally.add(file.name, wanted, [_box(face["box"]) for face in answer["faces"]], scale)
    large, found = tally.counted()
    return {"faces": sum(tally.boxes), "annotated": large, "found": found}


def _box(face: dict[str, float]) -> BoundingBox:
    return BoundingBox(*(round(face[side]) for side in ("x", "y", "width", "height")))


def as_table(measured: dict[str, dict[str, float]]) -> str:
    first = measured[OURS]
    lines = [
        f"{first['photos']:.0f} photos; annotated faces of at least {COUNTED_FROM} pixels at {LONG_SIDE}.",
        "",
        "| whole process | seconds | times as long | memory at its peak | boxes | annotated faces found |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, row in measured.items():
        lines.append(
            f"| {name} | {row['seconds']:.1f} | {row['seconds'] / first['seconds']:.1f} | {row['peak_mb']:.0f} MB |"
            f" {row['faces']:.0f} | {row['found']:.0f} of {row['annotated']:.0f} |"
        )
    return "\n".join(lines)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    here = Path(os.environ.get("VAR_DIR", "var")) / "peers"
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help="folder of photos")
    parser.add_argument("--environment", type=Path, default=here, metavar="DIR", help="of fer (%(default)s)")
    parser.add_argument("--model", default=DEFAULT_MODEL, metavar="NAME", help="released model (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of which medians are told (%(default)s)")
    parser.add_argument("--install", action="store_true", help="make the environment only")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def main() -> int:
    options = build_parser().parse_args()
    if options.install:
        install(options.environment)
        return 0
    measured = measure(options)
    print(json.dumps(measured) if options.json else as_table(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
